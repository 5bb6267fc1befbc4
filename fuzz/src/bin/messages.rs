//! The fuzzer of what reads messages: libFuzzer's own `main`, where this is compiled with what it needs (`just fuzz`).

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    liveswap_fuzz::messages(bytes);
});

#[cfg(not(fuzzing))]
fn main() {
    liveswap_fuzz::files(liveswap_fuzz::messages);
}
