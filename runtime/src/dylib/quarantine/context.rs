//! Where a thread was when a signal interrupted it.

use libc::ucontext_t;

/// What is found in the interrupted thread's registers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// The stack pointer; zero where the registers are not known.
    pub(super) stack: usize,
    /// Where a call that was just made returns to; zero on machines that put that on the stack.
    pub(super) link: usize,
}

impl Place {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of(context: &ucontext_t) -> Place {
        let stack = context.uc_mcontext.gregs[libc::REG_RSP as usize];
        Place { stack: stack as usize, link: 0 }
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn of(context: &ucontext_t) -> Place {
        let context = &context.uc_mcontext;
        Place { stack: context.sp as usize, link: context.regs[30] as usize }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn of(_: &ucontext_t) -> Place {
        Place::default()
    }
}
