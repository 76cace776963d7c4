//! Dealing, checking and bringing back together, beside vsss-rs and FROST.

use criterion::{Criterion, criterion_group, criterion_main};

fn sharing(criterion: &mut Criterion) {
    for pair in twoshare_benches::sharing() {
        let mut group = criterion.benchmark_group(format!("{pair:?}"));
        let (mut ours, mut theirs) = (pair.ours, pair.theirs);
        group.bench_function("twoshare", |bencher| bencher.iter(&mut ours));
        group.bench_function(pair.peer, |bencher| bencher.iter(&mut theirs));
        group.finish();
    }
}

criterion_group!(benches, sharing);
criterion_main!(benches);
