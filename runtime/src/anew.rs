//! Values for the program that hold nothing of the thread that made them.
//!
//! A value that is moved is copied as a whole, with the parts of it that nobody wrote: the rest of an enum whose variant is a
//! short one, what pads a struct. On the owner thread those are what was on its stack before, addresses of generations among
//! them. In a list of the program's they would be found by every search of its memory (`scan.rs`) and keep code that
//! nobody can reach.

use std::hint::black_box;

/// More than the copy of a value needs.
const STACK: usize = 16 * 1024;

/// The same value, made anew where nothing was.
pub(crate) fn anew<T: Clone>(value: &T) -> T {
    overwrite();
    copy(value)
}

/// Overwrites the part of the stack that is about to be used.
#[inline(never)]
fn overwrite() {
    black_box([0_usize; STACK / size_of::<usize>()]);
}

#[inline(never)]
fn copy<T: Clone>(value: &T) -> T {
    let place = Box::new_zeroed();
    *Box::write(place, value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    enum Value {
        Long([usize; 16]),
        Short(u8),
    }

    #[test]
    fn a_value_is_the_same() {
        for value in [Value::Long([7; 16]), Value::Short(7)] {
            assert_eq!(anew(&value), value);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_on_the_stack_is_not_in_the_value() {
        use std::fs::File;
        use std::os::unix::fs::FileExt;

        const MARK: usize = 0x5A5A_A5A5_0F0F_F0F0;

        #[inline(never)]
        fn leave_marks() {
            black_box([MARK; STACK / 2 / size_of::<usize>()]);
        }

        let short = Value::Short(7);
        let mut values = Vec::with_capacity(4);
        for _ in 0..4 {
            leave_marks();
            values.push(anew(&short));
        }
        let mut bytes = vec![0; size_of_val(values.as_slice())];
        let memory = File::open("/proc/self/mem").unwrap();
        memory.read_exact_at(&mut bytes, values.as_ptr().addr() as u64).unwrap();
        assert_eq!(values, [const { Value::Short(7) }; 4]);
        let marked = bytes.windows(size_of::<usize>()).filter(|word| *word == MARK.to_ne_bytes());
        assert_eq!(marked.count(), 0);
    }
}
