//! The curve of a run, as SVG.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::measure::Sample;

const SIZE: (u32, u32) = (900, 780);

/// Draws what the process held over time: three curves, one below the other.
pub fn draw(path: &Path, title: &str, unit: &str, samples: &[Sample]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(title, ("sans-serif", 20))?;
    let panels = root.split_evenly((3, 1));
    let mebibytes = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    let operations = Curve { name: "live operations", values: samples.iter().map(|s| s.operations as f64).collect() };
    let descriptors = Curve { name: "descriptors", values: samples.iter().map(|s| s.descriptors as f64).collect() };
    let allocated = Curve { name: "allocated, MiB", values: samples.iter().map(|s| mebibytes(s.allocated)).collect() };
    let resident = Curve { name: "resident, MiB", values: samples.iter().map(|s| mebibytes(s.resident)).collect() };
    let times: Vec<f64> = samples
        .iter()
        .map(|sample| if unit == "h" { sample.at.as_secs_f64() / 3600.0 } else { sample.at.as_secs_f64() })
        .collect();
    panel(&panels[0], unit, &times, &[(operations, BLUE)])?;
    panel(&panels[1], unit, &times, &[(descriptors, RED)])?;
    panel(&panels[2], unit, &times, &[(allocated, GREEN), (resident, BLACK)])?;
    root.present()?;
    Ok(())
}

struct Curve {
    name: &'static str,
    values: Vec<f64>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn panel(area: &Area<'_>, unit: &str, times: &[f64], curves: &[(Curve, RGBColor)]) -> Result<(), Box<dyn Error>> {
    let end = times.last().copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    let top = curves.iter().flat_map(|(curve, _)| &curve.values).fold(1.0, |top: f64, value| top.max(*value)) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    let names: Vec<_> = curves.iter().map(|(curve, _)| curve.name).collect();
    chart.configure_mesh().x_desc(unit).y_desc(names.join(" and ")).light_line_style(WHITE).draw()?;
    for (curve, colour) in curves {
        let points = times.iter().copied().zip(curve.values.iter().copied());
        let series = chart.draw_series(LineSeries::new(points, colour))?;
        let colour = *colour;
        series.label(curve.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
    }
    if curves.len() > 1 {
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    }
    Ok(())
}
