//! A program with two hot crates.

fn main() {
    println!("{} {}", first::exported(1), second::exported(1));
    for hot_crate in [first::hot_crate(), second::hot_crate()] {
        let mut paths: Vec<_> = hot_crate.functions().iter().map(|entry| entry.path()).collect();
        paths.sort();
        println!("{} {}", hot_crate.name(), paths.join(" "));
    }
}
