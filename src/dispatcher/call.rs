//! One message handed to one procedure.

use super::{Dispatcher, InHand, Message, Procedure, Seat, WindowId};

/// What became of a message that was to be dispatched.
#[derive(Debug)]
#[must_use = "an unclaimed message is lost when this is dropped"]
pub enum Dispatch<T> {
    /// The procedure of its window has handled it.
    Done,
    /// It was cancelled since it was taken: nobody sees it.
    Silenced,
    /// Its window has no procedure. Here it is.
    Unclaimed(Message<T>),
    /// The procedure of its window runs and cannot run inside itself. Dispatch it later.
    Busy(InHand<T>),
}

/// A procedure that is out of its seat. It goes back when this is dropped, also while a panic passes.
struct Call<'d, T, S> {
    dispatcher: &'d mut Dispatcher<T, S>,
    window: WindowId,
    procedure: Option<Procedure<T, S>>,
}

impl<T, S> Drop for Call<'_, T, S> {
    fn drop(&mut self) {
        let Dispatcher { pump, seats, running, .. } = &mut *self.dispatcher;
        if let Some(place) = running.iter().rposition(|&window| window == self.window) {
            running.remove(place);
        }
        match seats.get_mut(&self.window) {
            Some(seat @ Seat::Running) if pump.has_window(self.window) => {
                *seat = Seat::Waiting(self.procedure.take().expect("it goes back once"));
            }
            Some(Seat::Running) => drop(seats.remove(&self.window)),
            // Replaced, or its window is destroyed. It is dropped with this call, when all is in place.
            Some(Seat::Waiting(_)) | None => {}
        }
    }
}

impl<T, S> Dispatcher<T, S> {
    /// Hands a message to the procedure of its window, and says what became of it.
    ///
    /// # Panics
    ///
    /// A panic of the procedure passes through. The dispatcher stays usable, the procedure stays that of its
    /// window, and the message counts as handled.
    ///
    /// # Cost
    ///
    /// Two look-ups of the window in a hash table.
    ///
    /// # Examples
    ///
    /// The two steps, where a program wants to look at messages before their windows do:
    ///
    /// ```
    /// use msgpump::dispatcher::Dispatch;
    /// use msgpump::{Dispatcher, Payload, Pump};
    /// let mut dispatcher = Dispatcher::<u32>::new(Pump::new()?);
    /// let window = dispatcher.open_window(|dispatcher, _, _| dispatcher.pump().quit(0));
    /// let other = dispatcher.pump().open_window();
    /// dispatcher.pump().post(other, 1)?;
    /// dispatcher.pump().post(window, 2)?;
    /// let mut unclaimed = 0;
    /// while let Some(message) = dispatcher.get_message()? {
    ///     if let Dispatch::Unclaimed(message) = dispatcher.dispatch(&mut (), message) {
    ///         assert!(matches!(message.payload, Payload::Posted(1)));
    ///         unclaimed += 1;
    ///     }
    /// }
    /// assert_eq!(unclaimed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dispatch(&mut self, state: &mut S, message: InHand<T>) -> Dispatch<T> {
        let window = message.window();
        let seat = self.seats.get_mut(&window);
        if matches!(seat, Some(Seat::Running)) && message.get().is_some() {
            return Dispatch::Busy(message);
        }
        let Some(message) = message.into_message() else { return Dispatch::Silenced };
        let Some(seat @ Seat::Waiting(_)) = seat else { return Dispatch::Unclaimed(message) };
        let Seat::Waiting(procedure) = std::mem::replace(seat, Seat::Running) else {
            unreachable!("it was seen to wait")
        };
        self.running.push(window);
        self.watched(window, message.payload.kind(), |dispatcher| {
            let mut call = Call { dispatcher, window, procedure: Some(procedure) };
            let Call { dispatcher, procedure, .. } = &mut call;
            let procedure = procedure.as_mut().expect("it is out until the call ends");
            procedure(dispatcher, state, message);
        });
        Dispatch::Done
    }
}
