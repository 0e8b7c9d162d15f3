//! A window that is painted pixel by pixel, with letters of eight by eight.

use std::num::NonZero;
use std::rc::Rc;

use font8x8::legacy::BASIC_LEGACY;
use softbuffer::{Context, Surface};
use winit::event_loop::OwnedDisplayHandle;
use winit::window::Window;

const PAPER: u32 = 0x00ff_ffff;
const INK: u32 = 0;

pub struct Canvas {
    pub window: Rc<Window>,
    surface: Surface<OwnedDisplayHandle, Rc<Window>>,
    // Kept as long as its surface.
    _context: Context<OwnedDisplayHandle>,
}

impl Canvas {
    pub fn new(display: OwnedDisplayHandle, window: Rc<Window>) -> Canvas {
        let context = Context::new(display).expect("the display is open");
        let surface = Surface::new(&context, window.clone()).expect("the window is open");
        Canvas { window, surface, _context: context }
    }

    /// Paints the whole window anew.
    pub fn paint(&mut self, paint: impl FnOnce(&mut Picture)) {
        let size = self.window.inner_size();
        let (Some(width), Some(height)) = (NonZero::new(size.width), NonZero::new(size.height)) else { return };
        self.surface.resize(width, height).expect("there is memory for a picture");
        let mut pixels = self.surface.buffer_mut().expect("the window is open");
        pixels.fill(PAPER);
        paint(&mut Picture { pixels: &mut pixels, width: size.width });
        pixels.present().expect("the window is open");
    }
}

pub struct Picture<'a> {
    pixels: &'a mut [u32],
    width: u32,
}

impl Picture<'_> {
    fn dot(&mut self, x: u32, y: u32) {
        let at = (y * self.width + x) as usize;
        if let Some(pixel) = self.pixels.get_mut(at).filter(|_| x < self.width) {
            *pixel = INK;
        }
    }

    /// A rectangle: left, top, width, height.
    pub fn frame(&mut self, [left, top, width, height]: [u32; 4]) {
        for x in left..left + width {
            self.dot(x, top);
            self.dot(x, top + height - 1);
        }
        for y in top..top + height {
            self.dot(left, y);
            self.dot(left + width - 1, y);
        }
    }

    /// A line of text. What has no picture is a question mark.
    pub fn text(&mut self, left: u32, top: u32, text: &str) {
        for (left, letter) in (left..).step_by(8).zip(text.chars()) {
            let rows = BASIC_LEGACY.get(letter as usize).unwrap_or(&BASIC_LEGACY[usize::from(b'?')]);
            for (y, row) in (top..).zip(rows) {
                (0..8).filter(|x| row & 1 << x != 0).for_each(|x| self.dot(left + x, y));
            }
        }
    }
}
