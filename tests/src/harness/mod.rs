//! What every test here uses beside the kit: versions of one hot crate, the program that is linked with its first one, a
//! place to put the others, and what that program can be asked.

mod host;
mod kept;
mod version;
mod workbench;

pub(crate) use host::{Host, swap};
pub(crate) use kept::Kept;
pub(crate) use version::{
    Version, dependency, first_with, host, host_linking, host_with, library, macros_library,
    unlinked, v1, v2, v3,
};
pub(crate) use workbench::{Program, Workbench, rename_over};
