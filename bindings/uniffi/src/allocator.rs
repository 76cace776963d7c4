//! What is freed is wiped: whatever crosses the border is copied into buffers on the way, passwords and keys among it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
};

/// The system's allocator, which overwrites memory with zeros before it gives it back. What grows is moved, so that its old
/// place is wiped too.
struct Wiping;

#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

// SAFETY: the system's own allocator does everything, and is told what it told.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller has this memory, of this size, for itself, and is done with it.
        unsafe {
            place.write_bytes(0, layout.size());
            // Whoever may look at it is told of it, so that the writes are not left out.
            System.dealloc(black_box(place), layout);
        }
    }

    // `realloc` is the trait's own: a new place, a copy, and `dealloc` of the old place.
}
