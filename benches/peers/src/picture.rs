//! A picture of one scenario: bars on a logarithmic scale, with the spread of the rounds.

use std::error::Error;
use std::path::Path;

use plotters::backend::SVGBackend;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::{Color, IntoFont, RGBColor, TextStyle};

use crate::results::Results;
use crate::scenario::{Peer, Scenario};
use crate::tables::{ranked, written};

const OURS: RGBColor = RGBColor(0, 110, 180);
const THEIRS: RGBColor = RGBColor(150, 150, 150);
const FLOOR: RGBColor = RGBColor(215, 215, 215);
const INK: RGBColor = RGBColor(40, 40, 40);

const WIDTH: i32 = 820;
const TOP: i32 = 48;
const ROW: i32 = 22;
const BAR: i32 = 14;
/// Where bars begin and may end.
const LEFT: i32 = 170;
const RIGHT: i32 = 690;

/// Draws the first column. Says whether there was something to draw.
pub fn draw(scenario: &'static Scenario, results: &Results, path: &Path) -> Result<bool, Box<dyn Error>> {
    let column = &scenario.columns[0];
    let bars: Vec<_> = ranked(scenario, results).into_iter().filter(|(_, median)| *median > 0.0).collect();
    if bars.len() < 2 {
        return Ok(false);
    }
    let samples = |peer: &Peer| results.get(scenario.name, peer.name, column.metric).expect("it is ranked");
    let lowest = bars.iter().map(|(peer, _)| samples(peer).lowest()).fold(f64::INFINITY, f64::min).max(1e-3);
    let highest = bars.iter().map(|(peer, _)| samples(peer).highest()).fold(0.0, f64::max);
    // The shortest bar is a tenth of the shortest decade, so that it can be seen.
    let (from, to) = (lowest.log10() - 0.3, highest.log10());
    let place = |value: f64| {
        let part = (value.max(lowest / 2.0).log10() - from) / (to - from).max(1e-9);
        LEFT + (f64::from(RIGHT - LEFT) * part) as i32
    };
    let height = TOP + ROW * bars.len() as i32 + 12;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&plotters::style::WHITE)?;
    write_at(&area, scenario.title, (12, 8), 15, INK)?;
    let scale = format!("{}, logarithmic scale, medians with the lowest and highest round", column.heading);
    write_at(&area, &scale, (12, 28), 11, INK)?;
    for (index, &(peer, median)) in bars.iter().enumerate() {
        let top = TOP + ROW * index as i32;
        let color = if peer.is_ours() {
            OURS
        } else if peer.is_floor() {
            FLOOR
        } else {
            THEIRS
        };
        area.draw(&Rectangle::new([(LEFT, top), (place(median), top + BAR)], color.filled()))?;
        let (low, high) = (place(samples(peer).lowest()), place(samples(peer).highest()));
        let middle = top + BAR / 2;
        area.draw(&PathElement::new(vec![(low, middle), (high, middle)], INK))?;
        write_at(&area, peer.name, (12, top), 13, if peer.is_ours() { OURS } else { INK })?;
        write_at(
            &area,
            &written(median, column.unit),
            (place(samples(peer).highest()).max(place(median)) + 6, top),
            12,
            INK,
        )?;
    }
    area.present()?;
    Ok(true)
}

fn write_at(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    text: &str,
    place: (i32, i32),
    size: i32,
    color: RGBColor,
) -> Result<(), Box<dyn Error>> {
    let style = TextStyle::from(("sans-serif", size).into_font()).color(&color);
    area.draw(&Text::new(text.to_owned(), place, style))?;
    Ok(())
}
