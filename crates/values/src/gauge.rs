//! The values of gauges, which are floating-point numbers.

/// Returns `count` as the value of a gauge. A count that does not fit into 32 bits becomes the largest that does, 2^32 - 1.
pub fn gauge_value(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_stays_within_32_bits() {
        assert!((gauge_value(7_usize) - 7.0).abs() < f64::EPSILON);
        assert!((gauge_value(u64::MAX) - f64::from(u32::MAX)).abs() < f64::EPSILON);
    }
}
