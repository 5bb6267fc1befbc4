//! The test program as the tool that cargo and the compiler call.
//!
//! The builder needs a program that stands in for the compiler and the linker, and names its own. A test program's
//! `main` belongs to the test harness, so the question whether it was started for that is asked before `main`.
//!
//! Obligation: what runs before `main` may rely on nothing that `main` sets up. Arguments and environment are there:
//! the standard library reads them from the system, or in an initializer that glibc calls before those of others.

/// Where the system looks for functions to call before `main`.
#[used]
#[cfg_attr(
    any(target_os = "linux", target_os = "android", target_os = "freebsd"),
    // SAFETY: the section is an array of such pointers.
    unsafe(link_section = ".init_array")
)]
#[cfg_attr(
    target_vendor = "apple",
    // SAFETY: as above.
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(
    windows,
    // SAFETY: as above.
    unsafe(link_section = ".CRT$XCU")
)]
static BEFORE_MAIN: extern "C" fn() = stand_in;

extern "C" fn stand_in() {
    liveswap_builder::maybe_run_as_wrapper();
}
