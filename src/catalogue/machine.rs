//! What the machine has: memory and space on disks. Asked of the system without calling into it:
//! files and programs that every Linux and macOS has; elsewhere it is unknown, and said so.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::protocol::MachineMemory;

/// Memory of this machine now, or of the container that the program runs in.
pub fn memory() -> MachineMemory {
    let machine = fs::read_to_string("/proc/meminfo").map(|text| of_meminfo(&text));
    let machine = machine.unwrap_or_default();
    let read = |name: &str| {
        let text = fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    // Absent, or the word “max”, where there is no limit.
    match (read("memory.max"), read("memory.current")) {
        (Some(limit), Some(used)) => {
            // Files that were read count as used but give way.
            let stat = fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
            let gives_way = value_of(&stat, "inactive_file").unwrap_or(0);
            limited(machine, limit, used.saturating_sub(gives_way))
        }
        _ => machine,
    }
}

fn limited(machine: MachineMemory, limit: u64, used: u64) -> MachineMemory {
    let least =
        |known: Option<u64>, other: u64| Some(known.map_or(other, |known| known.min(other)));
    MachineMemory {
        total: least(machine.total, limit),
        available: least(machine.available, limit.saturating_sub(used)),
    }
}

/// Lines such as `MemAvailable:   24036272 kB`.
fn of_meminfo(text: &str) -> MachineMemory {
    let bytes = |name| value_of(text, name).and_then(|kilobytes| kilobytes.checked_mul(1024));
    MachineMemory { total: bytes("MemTotal:"), available: bytes("MemAvailable:") }
}

/// The number after the name, in a line of its own.
fn value_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes that can be written to the disk of a folder, which need not exist yet; `None` if the system
/// does not tell.
pub fn free_space(folder: &Path) -> Option<u64> {
    let folder = folder.ancestors().find(|folder| folder.is_dir())?;
    // POSIX: one line per file system, in blocks of 1024 bytes.
    let output = Command::new("df")
        .arg("-Pk")
        .arg(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    of_df(&String::from_utf8_lossy(&output.stdout))
}

fn of_df(text: &str) -> Option<u64> {
    let fields: Vec<_> = text.lines().nth(1)?.split_whitespace().collect();
    // The name of a file system may have spaces, but the share of used blocks has its sign.
    let share = fields.iter().position(|field| field.ends_with('%'))?;
    fields.get(share.checked_sub(1)?)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_understood() {
        let text = "MemTotal:       25165824 kB\nMemFree:  100 kB\nMemAvailable:   1024 kB\n";
        let memory = of_meminfo(text);
        assert_eq!(memory.total, Some(25_769_803_776));
        assert_eq!(memory.available, Some(1_048_576));
        assert_eq!(of_meminfo("nonsense"), MachineMemory::default());
        assert_eq!(limited(memory, 1 << 30, 1 << 29).available, Some(1_048_576));
        assert_eq!(limited(memory, 1 << 20, 1 << 19).available, Some(1 << 19));
        assert_eq!(limited(MachineMemory::default(), 10, 20).available, Some(0));
    }

    #[test]
    fn space_is_read_whatever_the_name_of_the_disk() {
        let head = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
        assert_eq!(of_df(&format!("{head}/dev/sda1 100 40 60 40% /\n")), Some(61_440));
        assert_eq!(of_df(&format!("{head}a b c 100 40 7 93% /mnt/x y\n")), Some(7168));
        assert_eq!(of_df(head), None);
        assert_eq!(of_df(""), None);
    }
}
