//! What one picture costs on the CPU: text, each scale, decode, the whole picture.
//!
//! `cargo bench --bench generate`. `scripts/bench_vs_torch.sh` prints the same stages beside
//! `PyTorch`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use underpaint::model::{self, DeviceChoice, Generator, LoadOptions, Session};
use underpaint::protocol::GenerateRequest;

fn session_at(generator: &mut dyn Generator, n_done: usize) -> Box<dyn Session> {
    let mut request = GenerateRequest::new("red apple, 3d style", 1);
    request.sampling = generator.info().sampling;
    let mut session = generator.start(&request).expect("the request is valid");
    while session.n_done() < n_done {
        session.step(&|| true).expect("the model computes");
    }
    session
}

fn generate(criterion: &mut Criterion) {
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let mut generator = model::load(&options).expect("the embedded model loads");
    let generator = &mut *generator;
    let scales = generator.info().scales.clone();
    let mut group = criterion.benchmark_group("cpu/embedded");
    group.sample_size(20).measurement_time(Duration::from_secs(4));

    // A new prompt each time: the cache must not answer.
    let mut prompt_idx = 0;
    group.bench_function("text", |bencher| {
        bencher.iter_batched(
            || {
                prompt_idx += 1;
                GenerateRequest::new(format!("red apple {prompt_idx}, 3d style"), 1)
            },
            |request| generator.encode_text(&request).expect("the model computes"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("prepare", |bencher| {
        bencher.iter(|| black_box(session_at(generator, 0)).n_done());
    });
    for (scale_idx, side) in scales.iter().enumerate() {
        group.bench_function(format!("scale/{side}x{side}"), |bencher| {
            bencher.iter_batched_ref(
                || session_at(generator, scale_idx),
                |session| session.step(&|| true).expect("the model computes"),
                BatchSize::PerIteration,
            );
        });
    }
    let session = session_at(generator, scales.len());
    group.bench_function("decode", |bencher| {
        bencher.iter(|| session.render(0).expect("the model computes"));
    });
    group.bench_function("picture", |bencher| {
        bencher.iter(|| session_at(generator, scales.len()).render(0).expect("it computes"));
    });
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
