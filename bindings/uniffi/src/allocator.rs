//! What is freed is wiped: whatever crosses the border is copied into buffers on the way, passwords and keys among it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
};

/// An allocator which overwrites memory with zeros before it gives it back. What grows is moved, so that its old place is wiped too.
struct Wiping<A>(A);

#[global_allocator]
static ALLOCATOR: Wiping<System> = Wiping(System);

// SAFETY: the allocator below does everything, and is told what this was told.
#[allow(unsafe_code)]
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller has this memory, of this size, for itself, and is done with it.
        unsafe {
            place.write_bytes(0, layout.size());
            // Whoever may look at it is told of it, so that the writes are not left out.
            self.0.dealloc(black_box(place), layout);
        }
    }

    // `realloc` is the trait's own: a new place, a copy, and `dealloc` of the old place.
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Looks at what it is given back.
    #[derive(Default)]
    struct Looks {
        freed: AtomicUsize,
        found: AtomicUsize,
    }

    // SAFETY: the system's does everything.
    unsafe impl GlobalAlloc for Looks {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises; the memory has been written, as whoever wipes it has.
            unsafe {
                let bytes = std::slice::from_raw_parts(place, layout.size());
                let left = bytes.iter().filter(|byte| **byte != 0).count();
                self.found.fetch_add(left, Ordering::Relaxed);
                self.freed.fetch_add(layout.size(), Ordering::Relaxed);
                System.dealloc(place, layout);
            }
        }
    }

    #[test]
    fn what_is_freed_and_what_is_moved_is_wiped() {
        let allocator = Wiping(Looks::default());
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: each place is used within its size, and freed once.
        unsafe {
            let place = allocator.alloc(layout);
            place.write_bytes(0xA5, 100);
            let moved = allocator.realloc(place, layout, 200);
            assert_eq!(*moved, 0xA5);
            moved.write_bytes(0x5A, 200);
            allocator.dealloc(moved, Layout::from_size_align(200, 8).unwrap());
        }
        assert_eq!(allocator.0.freed.into_inner(), 300);
        assert_eq!(allocator.0.found.into_inner(), 0);
    }
}
