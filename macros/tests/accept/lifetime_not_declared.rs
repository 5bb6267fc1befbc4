use liveswap_macros::hot;

struct View<'a>(&'a str);

impl<'a> View<'a> {
    fn new(text: &'a str) -> View<'a> {
        view(text)
    }
}

#[hot]
fn view<'a>(text: &'a str) -> View<'a> {
    View(text)
}

#[test]
fn a_function_that_declares_its_lifetimes_is_hot() {
    assert_eq!(View::new("text").0, "text");
}
