//! What a program takes of the queue without a wait, and the quit that stands at its end.

use super::Pump;
use crate::message::{Admits, Filter, Message};

impl<T> Pump<T> {
    /// Takes the next message, if one waits. Does not ask the outside: that is what a turn does.
    pub fn next_message(&mut self) -> Option<Message<T>> {
        self.take(None)
    }

    /// Takes the next message that `filter` admits, if one waits. The others keep their order.
    ///
    /// # Cost
    ///
    /// One look at each message before it.
    pub fn next_message_for(&mut self, filter: Filter) -> Option<Message<T>> {
        self.take(filter.narrowing())
    }

    #[inline]
    fn take(&mut self, filter: Option<&dyn Admits>) -> Option<Message<T>> {
        self.taken_since_turn += 1;
        let choice = self.engine.choose(filter)?;
        self.engine.take_chosen(choice)
    }

    /// Takes the next posted message whose payload `wanted` accepts, if one waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump};
    /// let mut pump = Pump::<u32>::new()?;
    /// let window = pump.open_window();
    /// for number in [1, 2, 3] {
    ///     pump.post(window, number)?;
    /// }
    /// let even = pump.next_posted(|number| number % 2 == 0).expect("one waits");
    /// assert!(matches!(even.payload, Payload::Posted(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_posted(&mut self, wanted: impl FnMut(&T) -> bool) -> Option<Message<T>> {
        self.engine.take_posted(wanted)
    }

    /// Shows the next message, if one waits, and changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump};
    /// let mut pump = Pump::<u32>::new()?;
    /// pump.post(pump.root_window(), 1)?;
    /// assert!(matches!(pump.peek_message().map(|message| &message.payload), Some(Payload::Posted(1))));
    /// assert!(pump.next_message().is_some()); // it was still there
    /// assert!(pump.peek_message().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek_message(&mut self) -> Option<&Message<T>> {
        self.peek_message_for(Filter::any())
    }

    /// Shows the next message that `filter` admits, if one waits, and changes nothing.
    pub fn peek_message_for(&mut self, filter: Filter) -> Option<&Message<T>> {
        self.engine.peek(filter.narrowing(), &mut self.peeked)
    }

    /// Asks the program to end with `code`.
    ///
    /// What was posted before, by other threads too, comes before it as far as the queue has room. Then
    /// [`get_message`](Pump::get_message) returns `None`, in every nested loop, until [`resume`](Pump::resume) is
    /// called; [`next_message`](Pump::next_message) gives [`Payload::Quit`](crate::Payload::Quit) once. Of
    /// several codes the last one counts. A loop that passes messages by is told before those; they still come to a loop
    /// around it that passes none by. Results of other threads that nobody wants are dropped, as by a turn.
    pub fn quit(&mut self, code: i32) {
        self.take_over_posts(usize::MAX);
        self.engine.quit(code);
        self.engine.drop_purged();
    }

    /// The code that the program was asked to end with, if it was.
    pub fn quit_code(&self) -> Option<i32> {
        self.engine.quit_code()
    }

    /// Takes quit back, so that another loop can be run.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// let mut pump = Pump::<&str>::new()?;
    /// let window = pump.open_window();
    /// pump.post(window, "before")?;
    /// pump.quit(3);
    /// assert!(pump.get_message()?.is_some()); // what was posted before comes before
    /// assert!(pump.get_message()?.is_none()); // the end of this loop, and of those around it
    /// assert_eq!(pump.quit_code(), Some(3));
    /// pump.resume();
    /// pump.post(window, "another loop")?;
    /// assert!(pump.get_message()?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resume(&mut self) {
        self.engine.resume();
    }
}
