use std::hash::{Hash, Hasher};

use prost::Message;
use rustc_hash::FxHasher;
use topology::key::Key;

use super::fields::Fields;

/// Most bytes of a page's items: less than the 4 MiB that clients take unless told otherwise.
const MAX_BYTES: usize = 3 << 20;

/// How large pages of a listing may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) default: usize,
    pub(super) max: usize,
}

/// Of resources.
pub(super) const RESOURCES: Sizes = Sizes { default: 100, max: 1000 };
/// Of flows.
pub(super) const FLOWS: Sizes = Sizes { default: 1000, max: 10_000 };

/// The page that is asked for.
///
/// Its token holds the position of its first item and a hash of the filter, so that a token is
/// not taken for another listing's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// The most items that it may have.
    pub(super) size: usize,
    /// The position of the first item: its key, or how many are before it.
    pub(super) first: u64,
    filter: u64,
}

impl Page {
    /// Parses `page_size` and `page_token` of a request with this filter.
    pub(super) fn new(
        sizes: Sizes,
        size: i32,
        token: &str,
        filter: impl Hash,
        fields: &mut Fields,
    ) -> Self {
        let mut hasher = FxHasher::default();
        filter.hash(&mut hasher);
        let filter = hasher.finish();
        let size = match usize::try_from(size) {
            Ok(0) => sizes.default,
            Ok(size) => size.min(sizes.max),
            Err(_) => {
                fields.wrong_beside("page_size", format_args!("{size} is negative"));
                sizes.default
            }
        };
        let first = if token.is_empty() { Some(0) } else { position(token, filter) };
        if first.is_none() {
            fields.wrong_beside(
                "page_token",
                format_args!("{token:?} is no next_page_token of a listing with this filter"),
            );
        }
        Self { size, first: first.unwrap_or_default(), filter }
    }

    /// The first key of the page, for a listing by key.
    pub(super) fn first_key(&self) -> Key {
        u32::try_from(self.first).ok().and_then(Key::new).unwrap_or(Key::MAX)
    }

    /// The items of the page, and the token of the next one: from items with their positions, in
    /// ascending order, from the page's first on.
    pub(super) fn cut<T: Message>(
        &self,
        items: impl IntoIterator<Item = (u64, T)>,
    ) -> (Vec<T>, String) {
        let mut page = Vec::new();
        let mut bytes = 0;
        for (position, item) in items {
            bytes += item.encoded_len();
            if page.len() == self.size || (bytes > MAX_BYTES && !page.is_empty()) {
                return (page, format!("{:016x}{position:x}", self.filter));
            }
            page.push(item);
        }
        (page, String::new())
    }
}

/// The position that a token of a listing with this filter holds.
fn position(token: &str, filter: u64) -> Option<u64> {
    let (hash, position) = token.split_at_checked(16)?;
    let hash = u64::from_str_radix(hash, 16).ok().filter(|hash| *hash == filter);
    hash.and(u64::from_str_radix(position, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: i32, token: &str, filter: &str) -> Result<Page, String> {
        let mut fields = Fields::of("");
        let page = Page::new(Sizes { default: 3, max: 5 }, size, token, filter, &mut fields);
        fields.finish().map(|()| page).map_err(|status| status.message().to_owned())
    }

    fn numbers(page: Page) -> (Vec<u64>, String) {
        page.cut((page.first..12).map(|number| (number, number)))
    }

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let (mut token, mut all, mut pages) = (String::new(), vec![], 0);
        loop {
            let (items, next) = numbers(page(0, &token, "a").unwrap());
            all.extend(items);
            pages += 1;
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!((all, pages), ((0..12).collect(), 4));
        assert_eq!(numbers(page(99, "", "a").unwrap()).0.len(), 5);
    }

    #[test]
    fn large_items_make_short_pages() {
        let page = page(5, "", "a").unwrap();
        let (items, token) = page.cut((0..5).map(|number| (number, vec![0_u8; 2 << 20])));
        assert_eq!(items.len(), 1);
        assert_eq!(token.len(), 17);
        let (items, _) = page.cut([(0, vec![0_u8; 4 << 20])]);
        assert_eq!(items.len(), 1, "one comes however large it is");
    }

    #[test]
    fn wrong_sizes_and_tokens_are_refused() {
        let token = numbers(page(0, "", "a").unwrap()).1;
        assert!(page(0, &token, "a").is_ok());
        for (size, token, wrong) in
            [(-1, "", "page_size"), (0, &token, "page_token"), (0, "ö", "page_token")]
        {
            let message = page(size, token, "b").unwrap_err();
            assert!(message.contains(wrong), "{message}");
        }
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{bytes, check, number};
        let limits = [
            ("resources on a page", number(RESOURCES.max)),
            ("flows on a page", number(FLOWS.max)),
            ("bytes of a page", bytes(MAX_BYTES)),
        ];
        check("gRPC", &limits);
    }
}
