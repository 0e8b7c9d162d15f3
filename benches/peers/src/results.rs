//! What all rounds gave.

use std::collections::HashMap;

/// Several measurements of one figure.
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) { (self.0[middle - 1] + self.0[middle]) / 2.0 } else { self.0[middle] }
    }

    pub fn lowest(&self) -> f64 {
        self.0[0]
    }

    pub fn highest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[derive(Default)]
pub struct Results {
    samples: HashMap<(&'static str, &'static str, String), Samples>,
    /// What did not work, a line each.
    pub failures: Vec<String>,
}

impl Results {
    pub fn add(&mut self, scenario: &'static str, peer: &'static str, metric: &str, value: f64) {
        let samples = self.samples.entry((scenario, peer, metric.to_owned())).or_insert(Samples(Vec::new()));
        let place = samples.0.partition_point(|&other| other < value);
        samples.0.insert(place, value);
    }

    pub fn get(&self, scenario: &'static str, peer: &'static str, metric: &str) -> Option<&Samples> {
        self.samples.get(&(scenario, peer, metric.to_owned()))
    }

    pub fn median(&self, scenario: &'static str, peer: &'static str, metric: &str) -> Option<f64> {
        self.get(scenario, peer, metric).map(Samples::median)
    }
}
