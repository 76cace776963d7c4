//! Developer tasks
fn main() {}
