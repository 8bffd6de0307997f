use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value that can be waited for. Unlike those who wait for tokio's `watch`, those who wait for
/// this one are woken in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Signal<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Clone> Signal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Inner { value: Mutex::new(value), changed: Notify::new() }))
    }

    /// The value as it is.
    pub(crate) fn get(&self) -> T {
        self.lock().clone()
    }

    /// Looks at the value as it is.
    pub(crate) fn look<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        look(&self.lock())
    }

    /// Changes the value; answers what `change` does.
    pub(crate) fn change<U>(&self, change: impl FnOnce(&mut T) -> U) -> U {
        let answer = change(&mut self.lock());
        self.0.changed.notify_waiters();
        answer
    }

    /// Sets the value; answers what it was.
    pub(crate) fn replace(&self, value: T) -> T {
        self.change(|it| std::mem::replace(it, value))
    }

    /// The value, once it is as wanted.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&T) -> bool) -> T {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            {
                let value = self.lock();
                if wanted(&value) {
                    return value.clone();
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
