#!/usr/bin/env bash
# A real window under a virtual display and software Vulkan, driven like a person would: draws while
# the picture follows, undoes, types a prompt, generates, sees all scales, saves, and checks the file. Leaves screenshots in the folder
# given as the first argument (default: target/window_test).
#
# Waits for conditions with a time limit, never for time to pass.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${UNDERPAINT_PROGRAM:-target/release/underpaint}
shots=$(realpath -m "${1:-target/window_test}")
[ -x "$program" ] || { echo "window test: build the program first: cargo build --release" >&2; exit 1; }
for tool in xvfb-run xdotool import identify xwininfo; do
  command -v "$tool" >/dev/null || {
    echo "window test: $tool is missing; install xvfb xdotool imagemagick x11-utils" >&2
    exit 1
  }
done

if [ -z "${UNDERPAINT_WINDOW_TEST_DISPLAY:-}" ]; then
  export UNDERPAINT_WINDOW_TEST_DISPLAY=1
  # Without -noreset the server starts anew whenever its last client leaves, such as xdotool while
  # the program is about to connect.
  exec xvfb-run -a -s "-screen 0 1280x800x24 -noreset" "$0" "$shots"
fi

home=$(mktemp -d)
log=$home/log
mkdir -p "$shots" "$home/pictures"
trap 'kill "${pid:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$home"' EXIT

fail() { echo "window test: $1" >&2; sed 's/^/  | /' "$log" >&2; import -window root "$shots/failure.png" || true; exit 1; }

# wait_for SECONDS WHAT COMMAND…: until the command succeeds.
wait_for() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || fail "the program ended while waiting for $what"
    ((SECONDS < limit)) || fail "no $what in time"
    sleep 0.05
  done
}

n_finished() { grep -c 'job finished' "$log" || true; }
has_finished() { [ "$(n_finished)" -ge "$1" ]; }
# The screen has not changed between two looks.
is_still() {
  local before after
  before=$(import -window root rgba:- | md5sum)
  sleep 0.3
  after=$(import -window root rgba:- | md5sum)
  [ "$before" = "$after" ]
}
shot() { wait_for 20 "still screen" is_still; import -window root "$shots/$1.png"; }

# On a busy machine the display may take longer than xvfb-run waits for it.
limit=$((SECONDS + 60))
until xdotool getdisplaygeometry >/dev/null 2>&1; do
  ((SECONDS < limit)) || { echo "window test: the virtual display did not come up" >&2; exit 1; }
  sleep 0.1
done

HOME=$home XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/data XDG_STATE_HOME=$home/state \
  WAYLAND_DISPLAY= UNDERPAINT_LOG=underpaint=debug \
  "$program" --save-dir "$home/pictures" 2>"$log" &
pid=$!

wait_for 60 "window" xdotool search --onlyvisible --name 'Underpaint$'
window=$(xdotool search --onlyvisible --name 'Underpaint$' | head -1)
xdotool windowfocus --sync "$window" 2>/dev/null || true

# The first launch paints a sample by itself.
wait_for 120 "first picture" has_finished 1
shot first

# Draws with the mouse while live mode is on. The middle of the canvas is left of the window's
# middle, because the panels are not equally wide.
x=470 y=330
glide() { # X0 Y0 X1 Y1: moves in small steps, as a hand does
  local step n=12
  for ((step = 1; step <= n; step++)); do
    xdotool mousemove $(($1 + ($3 - $1) * step / n)) $(($2 + ($4 - $2) * step / n))
    sleep 0.01 # a mouse reports a hundred times a second
  done
}
xdotool key --clearmodifiers b
xdotool mousemove $((x - 60)) $((y + 40))
shot before
canvas() { import -window root -crop 480x440+150+120 rgba:- | md5sum; }
before=$(canvas)
done_before=$(n_finished)
xdotool mousedown 1
glide $((x - 60)) $((y + 40)) $((x + 10)) $((y + 90))
glide $((x + 10)) $((y + 90)) $((x + 80)) $((y + 30))
wait_for 60 "a picture while the pen is down" has_finished $((done_before + 1))
import -window root "$shots/during.png"
during=$(n_finished)
xdotool mouseup 1
wait_for 60 "the finished picture after the stroke" has_finished $((during + 1))
shot after
[ "$before" != "$(canvas)" ] || fail "the stroke did not change the canvas"
done_before=$(n_finished)
xdotool key --clearmodifiers ctrl+z
xdotool mousemove $((x - 60)) $((y + 40))
is_as_before() { [ "$before" = "$(canvas)" ]; }
wait_for 20 "sketch and picture from before the stroke" is_as_before
shot undone
[ "$(n_finished)" = "$done_before" ] || fail "undo drew a picture that was there already"

# A new prompt, by keyboard alone; live mode is off so that typing draws nothing.
xdotool key --clearmodifiers ctrl+l
wait_for 20 "live mode to be off" is_still
xdotool key --clearmodifiers alt+a
wait_for 20 "focus on the prompt" is_still
xdotool key --clearmodifiers ctrl+a
wait_for 20 "selected prompt" is_still
xdotool type --delay 20 "green heart, glossy style"
shot typed
done_before=$(n_finished)
xdotool key --clearmodifiers ctrl+Return
wait_for 120 "second picture" has_finished $((done_before + 1))
shot finished

# Look at coarser scales, then save what the canvas shows.
xdotool key --clearmodifiers Escape
xdotool key --clearmodifiers comma comma comma
shot scrubbed
xdotool key --clearmodifiers period period period
xdotool key --clearmodifiers ctrl+e
saved() { ls "$home"/pictures/*.png; }
wait_for 30 "saved picture" saved
picture=$(saved | head -1)
size=$(identify -format '%wx%h %[channels]' "$picture") || fail "the saved picture does not decode"
case $(basename "$picture") in
  00001-*.png) ;;
  *) fail "the picture is named $(basename "$picture"), not by number and seed" ;;
esac
"$program" info "$picture" --json >"$home/info"
grep -q '"green heart, glossy style"' "$home/info" ||
  fail "the saved picture does not tell the prompt; it was not typed as meant"
grep -q '"tokens"' "$home/info" || fail "the saved picture does not hold its tokens"
case $size in
  256x256\ *a*) ;;
  *) fail "the saved picture is $size, not 256x256 with transparency" ;;
esac
shot saved

# It closes when asked, without complaint.
xdotool key --clearmodifiers alt+F4 || true
kill -TERM "$pid"
wait "$pid" 2>/dev/null || true
grep -q 'panicked' "$log" && fail "the program panicked"
echo "window test: 2 pictures, $(basename "$picture") saved ($size), screenshots in $shots"
