//! Making, writing and opening a slot of an envelope, beside what its method does.

use criterion::{Criterion, criterion_group, criterion_main};

fn envelope(criterion: &mut Criterion) {
    for alone in twoshare_benches::envelope() {
        let mut ours = alone.ours;
        criterion.bench_function(alone.operation, |bencher| bencher.iter(&mut ours));
    }
}

criterion_group!(benches, envelope);
criterion_main!(benches);
