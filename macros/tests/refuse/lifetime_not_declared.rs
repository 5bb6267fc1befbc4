use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct View<'a>(&'a str);

impl<'a> View<'a> {
    #[hot]
    pub fn new(text: &'a str) -> View<'a> {
        View(text)
    }
}

fn main() {}
