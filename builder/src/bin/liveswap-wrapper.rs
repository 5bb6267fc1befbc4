//! A program that is nothing but the wrapper, for builders whose own program cannot be one.

fn main() -> std::process::ExitCode {
    liveswap_builder::maybe_run_as_wrapper();
    eprintln!("liveswap-wrapper is started by a builder, in place of a compiler or linker");
    std::process::ExitCode::FAILURE
}
