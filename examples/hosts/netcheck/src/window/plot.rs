//! The plot of response times.

use std::time::{Duration, Instant};

use eframe::egui::{self, Color32};
use egui_plot::{Bar, BarChart, Legend};

use crate::model::checks::Checks;
use crate::model::times::{FIRST_POWER, Times};

/// How often the times are counted anew while rows change.
const REFRESH_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Default)]
pub struct Plot {
    times: Times,
    made_for: Option<(u64, Instant)>,
}

impl Plot {
    pub fn show(&mut self, ui: &mut egui::Ui, checks: &Checks, now: Instant) {
        match self.made_for {
            Some((revision, _)) if revision == checks.revision() => {}
            Some((_, at)) if now - at < REFRESH_INTERVAL => ui.request_repaint_after(REFRESH_INTERVAL - (now - at)),
            _ => {
                self.times = Times::of(checks.rows());
                self.made_for = Some((checks.revision(), now));
            }
        }
        ui.label(match self.times.percentiles {
            None => "nothing was answered yet".into(),
            Some([half, most, nearly_all]) => {
                format!("answered: 50 % within {half:.1} ms, 90 % within {most:.1} ms, 99 % within {nearly_all:.1} ms")
            }
        });
        let answered = chart("answered", &self.times.answered, Color32::from_rgb(90, 190, 100));
        let failed = chart("failed", &self.times.failed, Color32::from_rgb(230, 90, 80)).stack_on(&[&answered]);
        egui_plot::Plot::new("times")
            .legend(Legend::default())
            .allow_scroll(false)
            .x_axis_label("milliseconds")
            .y_axis_label("hosts")
            .x_axis_formatter(|mark, _| milliseconds(mark.value))
            .show(ui, |plot| {
                plot.bar_chart(answered);
                plot.bar_chart(failed);
            });
    }
}

fn chart(name: &str, counts: &[u32], color: Color32) -> BarChart {
    let bars = counts.iter().zip(FIRST_POWER..).map(|(&count, power)| {
        Bar::new(f64::from(power) - 0.5, f64::from(count))
            .width(0.9)
            .name(format!("up to {} ms", milliseconds(power.into())))
    });
    BarChart::new(name, bars.collect()).color(color)
}

/// The axis has powers of two.
fn milliseconds(power: f64) -> String {
    let milliseconds = power.exp2();
    if power.fract() != 0.0 {
        String::new()
    } else if milliseconds < 1.0 {
        format!("1/{:.0}", 1.0 / milliseconds)
    } else {
        format!("{milliseconds:.0}")
    }
}
