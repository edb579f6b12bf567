//! The writing end of a socket: writes at once what fits and keeps the rest until it does.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;

use tokio::net::TcpStream;

/// Belongs to one thread; the reading end shares the stream.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) stream: Rc<TcpStream>,
    pending: RefCell<Vec<u8>>,
    flushing: Cell<bool>,
}

impl Outlet {
    pub(crate) fn new(stream: Rc<TcpStream>) -> Rc<Self> {
        Rc::new(Self { stream, pending: RefCell::default(), flushing: Cell::new(false) })
    }

    /// Sends the bytes after all earlier ones; a dead socket shows itself to the reading end.
    pub(crate) fn write(self: &Rc<Self>, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.flushing.get() {
            match self.stream.try_write(bytes) {
                Ok(written) => rest = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                Err(_) => return,
            }
            if rest.is_empty() {
                return;
            }
        }
        self.pending.borrow_mut().extend_from_slice(rest);
        if !self.flushing.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).flush());
        }
    }

    async fn flush(self: Rc<Self>) {
        while !self.pending.borrow().is_empty() {
            if self.stream.writable().await.is_err() {
                break;
            }
            let mut pending = self.pending.borrow_mut();
            match self.stream.try_write(&pending) {
                Ok(written) => drop(pending.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                Err(_) => pending.clear(),
            }
        }
        self.flushing.set(false);
    }
}
