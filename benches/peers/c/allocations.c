/* Counts the allocations of the whole process, Rust's and those of every library: the executable's malloc is used
   before the C library's. When nobody counts, that is one test of a flag. Only glibc has the functions below. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static int is_counting;
static uint64_t allocations;
static int64_t bytes;

void allocations_count(void) { is_counting = 1; }
uint64_t allocations_made(void) { return __atomic_load_n(&allocations, __ATOMIC_RELAXED); }
int64_t allocations_bytes(void) { return __atomic_load_n(&bytes, __ATOMIC_RELAXED); }

static void *made(void *block) {
  if (__builtin_expect(is_counting, 0) && block) {
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&bytes, malloc_usable_size(block), __ATOMIC_RELAXED);
  }
  return block;
}
static void gone(void *block) {
  if (__builtin_expect(is_counting, 0) && block)
    __atomic_fetch_sub(&bytes, malloc_usable_size(block), __ATOMIC_RELAXED);
}

void *malloc(size_t size) { return made(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return made(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return made(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return made(__libc_memalign(alignment, size)); }
int posix_memalign(void **block, size_t alignment, size_t size) {
  *block = made(__libc_memalign(alignment, size));
  return *block ? 0 : 12 /* ENOMEM */;
}
void *realloc(void *block, size_t size) {
  gone(block);
  return made(__libc_realloc(block, size));
}
void free(void *block) {
  gone(block);
  __libc_free(block);
}
