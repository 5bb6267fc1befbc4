//! The fuzzer: libFuzzer's own `main`, where this is compiled with what it needs (`just fuzz`).

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    liveswap_fuzz::artifact(bytes);
});

#[cfg(not(fuzzing))]
fn main() {
    let inputs: Vec<_> = std::env::args_os().skip(1).collect();
    for input in inputs {
        // As libFuzzer does with files: each is tried once.
        match std::fs::read(&input) {
            Ok(bytes) => drop(liveswap_fuzz::artifact(&bytes)),
            Err(error) => eprintln!("{}: {error}", input.display()),
        }
    }
}
