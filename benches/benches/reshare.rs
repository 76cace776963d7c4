//! A new sharing of the same key by both parties, beside FROST's refresh by distributed key
//! generation.

use criterion::{Criterion, criterion_group, criterion_main};

fn reshare(criterion: &mut Criterion) {
    for pair in twoshare_benches::resharing() {
        let mut group = criterion.benchmark_group(format!("{pair:?}"));
        let (mut ours, mut theirs) = (pair.ours, pair.theirs);
        group.bench_function("twoshare", |bencher| bencher.iter(&mut ours));
        group.bench_function(pair.peer, |bencher| bencher.iter(&mut theirs));
        group.finish();
    }
}

criterion_group!(benches, reshare);
criterion_main!(benches);
