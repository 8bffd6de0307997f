use std::mem;

use bytes::Bytes;

/// Cuts a byte stream into JSON objects.
///
/// Every byte is looked at once, however the stream is split, so the work is linear in the input.
/// What is held is the part of one object that has arrived, never more than the limit.
/// Only strings and brackets are followed here; that the text is JSON is for its parser to say.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    partial: Vec<u8>,
    depth: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Between objects or inside one, but not in a string.
    Structure,
    String,
    /// In a string, behind a backslash.
    Escape,
}

impl Framer {
    /// The deepest nesting that is let through; an update of a row needs 10.
    pub const MAX_DEPTH: usize = 64;

    /// A framer for objects of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), depth: 0, place: Place::Structure }
    }

    /// Takes bytes off `input` until an object is complete, and returns it; `None` when `input`
    /// is used up before that. To be called until it returns `None`.
    ///
    /// # Errors
    /// When the stream is not a sequence of objects, or an object is too large or too deep. The
    /// framer must not be used after that.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, FrameError> {
        if self.depth == 0 {
            let blank = input.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            *input = &input[blank..];
            if let Some(&first) = input.first().filter(|&&first| first != b'{') {
                return Err(FrameError::NotAnObject { first });
            }
        }
        let end = self.scan(input)?;
        let (taken, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.partial.len() + taken.len() > self.limit {
            return Err(FrameError::TooLarge { limit: self.limit });
        }
        self.partial.extend_from_slice(taken);
        *input = rest;
        Ok(end.map(|_| Bytes::from(mem::take(&mut self.partial))))
    }

    /// How many bytes of an unfinished object are held.
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// The length of the part of `input` that ends the current object, if it ends there.
    fn scan(&mut self, input: &[u8]) -> Result<Option<usize>, FrameError> {
        for (index, byte) in input.iter().enumerate() {
            match (self.place, byte) {
                (Place::Structure, b'"') => self.place = Place::String,
                (Place::Structure, b'{' | b'[') => {
                    self.depth += 1;
                    if self.depth > Self::MAX_DEPTH {
                        return Err(FrameError::TooDeep { limit: Self::MAX_DEPTH });
                    }
                }
                (Place::Structure, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(index + 1));
                    }
                }
                (Place::String, b'"') => self.place = Place::Structure,
                (Place::String, b'\\') => self.place = Place::Escape,
                (Place::Escape, _) => self.place = Place::String,
                _ => {}
            }
        }
        Ok(None)
    }
}

/// A stream that is not a sequence of JSON objects within the limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// Something else than an object begins.
    #[error("expected a JSON object, found a text that begins with byte {first:#04x}")]
    NotAnObject {
        /// The byte that is not `{`.
        first: u8,
    },
    /// An object exceeds the limit that the framer was given.
    #[error("message of more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An object is nested too deeply.
    #[error("message nested more than {limit} deep")]
    TooDeep {
        /// [`Framer::MAX_DEPTH`].
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `chunks` and returns the objects that came out.
    fn frames<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Bytes>, FrameError> {
        let mut framer = Framer::new(1000);
        let mut frames = Vec::new();
        for mut chunk in chunks {
            while let Some(frame) = framer.next(&mut chunk)? {
                frames.push(frame);
            }
            assert!(chunk.is_empty(), "input left behind");
        }
        Ok(frames)
    }

    const STREAM: &[&str] = &[
        r#"{"id":0,"method":"echo","params":[]}"#,
        r#"{"a":"}]\"\\","b":[[{}]]}"#,
        r#"{}"#,
        r#"{"é":"{[\u0022"}"#,
    ];

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_the_stream_is_split(
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
            blank in "[ \n\r\t]{0,3}",
        ) {
            let stream = STREAM.join(&blank);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]);
            prop_assert_eq!(frames(chunks).unwrap(), STREAM);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = frames([bytes.as_slice()]);
        }

        #[test]
        fn arbitrary_brackets_never_panic(text in r#"\{[\[\]{}"\\a]{0,80}"#) {
            let _ = frames([text.as_bytes()]);
        }
    }

    #[test]
    fn every_proper_prefix_is_incomplete() {
        for text in STREAM {
            for end in 0..text.len() {
                assert_eq!(frames([&text.as_bytes()[..end]]).unwrap(), Vec::<Bytes>::new());
            }
        }
    }

    #[test]
    fn streams_of_something_else_are_refused() {
        for (stream, first) in [("[1]", b'['), ("}", b'}'), ("{} 5", b'5'), ("\0", 0)] {
            assert_eq!(frames([stream.as_bytes()]), Err(FrameError::NotAnObject { first }));
        }
    }

    #[test]
    fn size_is_bounded_before_an_object_is_complete() {
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(992));
        assert_eq!(fits.len(), 1000);
        assert_eq!(frames([fits.as_bytes()]).unwrap().len(), 1);

        let mut framer = Framer::new(1000);
        let mut input = &fits.as_bytes()[..999];
        assert_eq!(framer.next(&mut input), Ok(None));
        assert_eq!(framer.buffered(), 999);
        assert_eq!(framer.next(&mut b"xx".as_slice()), Err(FrameError::TooLarge { limit: 1000 }));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let fits = nested(Framer::MAX_DEPTH - 1);
        assert_eq!(frames([fits.as_bytes()]).unwrap(), [fits]);
        assert_eq!(
            frames([nested(Framer::MAX_DEPTH).as_bytes()]),
            Err(FrameError::TooDeep { limit: Framer::MAX_DEPTH })
        );
    }
}
