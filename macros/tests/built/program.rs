//! A program around `caller`.

fn main() {
    let mut world = logic::World { speeds: vec![1.0, -2.0], wind: 0.5 };
    let energy = caller::simulate(&mut world, 3);
    println!("{energy}");
}
