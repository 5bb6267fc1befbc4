//! Positions and velocities.

use std::ops::{Add, AddAssign, Mul, Sub};

use liveswap_macros::Layout;
use serde::{Deserialize, Serialize};

/// A point or a direction; one unit is the height of half a terminal cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
pub struct Vec2 {
    /// To the right.
    pub x: f32,
    /// Downward.
    pub y: f32,
}

impl Vec2 {
    /// The origin, and no movement at all.
    pub const ZERO: Self = Self { x: 0.0, y: 0.0 };

    /// Makes a vector from its two parts.
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Returns the unit vector at `angle` radians, clockwise from the right.
    #[must_use]
    pub fn from_angle(angle: f32) -> Self {
        Self::new(angle.cos(), angle.sin())
    }

    /// Returns how long the vector is.
    #[must_use]
    pub fn length(self) -> f32 {
        self.length_squared().sqrt()
    }

    /// Returns the square of the length, which is cheaper to compare.
    #[must_use]
    pub fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    /// Returns how far `other` is away.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (other - self).length()
    }

    /// Returns the same direction with length one, or zero for zero.
    #[must_use]
    pub fn direction(self) -> Self {
        let length = self.length();
        if length > 1e-6 { self * (1.0 / length) } else { Self::ZERO }
    }

    /// Shortens the vector to `most`, keeping its direction.
    #[must_use]
    pub fn at_most(self, most: f32) -> Self {
        if self.length_squared() > most * most { self.direction() * most } else { self }
    }

    /// Moves the point into a box from the origin to `size`, `margin` away from its sides where
    /// the box is large enough for that.
    #[must_use]
    pub fn inside(self, size: Self, margin: f32) -> Self {
        let clamp = |value: f32, size: f32| {
            let margin = margin.min(size / 2.0);
            value.max(margin).min(size - margin)
        };
        Self::new(clamp(self.x, size.x), clamp(self.y, size.y))
    }
}

impl Add for Vec2 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl AddAssign for Vec2 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vec2 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Vec2 {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}
