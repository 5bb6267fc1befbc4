use liveswap_macros::hot;

type Verdict = Result<(), String>;

#[hot(self_check)]
fn spelled_out() -> Result<(), String> {
    Ok(())
}

#[hot(self_check)]
pub fn by_another_name() -> Verdict {
    Err("never".to_owned())
}

#[test]
fn the_result_can_have_any_name() {
    assert_eq!(spelled_out(), Ok(()));
    assert!(by_another_name().is_err());
}
