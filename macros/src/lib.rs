//! The attributes of Liveswap.
//!
//! A hot crate depends on this crate for `#[hot]` and on `liveswap-abi` for what the attribute expands to.

#![warn(missing_docs, unreachable_pub)]
#![deny(unsafe_code)]

mod attributes;
mod check;
mod expand;
mod lifetimes;
mod parse;
mod signature;

use proc_macro::TokenStream;

/// Makes a free function replaceable while the program that calls it runs.
///
/// The function keeps its name, signature, documentation and attributes, so callers see plain Rust. A call goes to the
/// newest generation of the crate (or to the pinned one). In builds without debug assertions, unless `liveswap-abi`'s
/// feature `always` is on, the function is left exactly as written.
///
/// ```
/// use liveswap_macros::hot;
///
/// liveswap_abi::hot_crate!();
///
/// /// The price after the discount, in cents.
/// #[hot]
/// #[must_use]
/// pub fn discounted(cents: u32) -> u32 {
///     cents - cents / 10
/// }
/// # fn main() {
/// assert_eq!(discounted(200), 180);
/// # }
/// ```
///
/// # Errors
///
/// What cannot be replaced is a compile error on the token that is in the way: generic parameters, `const`, `async`,
/// `impl Trait`, methods, variadic arguments, a result of `!`, and attributes that would silently lose their meaning.
#[proc_macro_attribute]
pub fn hot(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let tokens = parse::function(arguments.into(), item.clone())
        .and_then(|function| check::function(&function).map(|()| function))
        .map(|function| expand::function(&function));
    match tokens {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            // The item itself stays, so that the error is the only one and editors still know the function.
            let mut tokens = error.into_compile_error();
            tokens.extend(item);
            tokens.into()
        }
    }
}
