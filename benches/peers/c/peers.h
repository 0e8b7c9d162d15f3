/* What the pieces of C share. Each scenario and peer runs in a process of its own, so the state of a piece is
   static, and nothing is freed at the end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* target, number, two words; must look as `Words` in foreign/mod.rs */
typedef struct { uint64_t target, number, sent, count; } Words;
/* a handler that ends the loop when it gives 1 */
typedef int (*on_words)(const Words *);
typedef void (*on_number)(uint64_t);

/* A ring that grows: the queue that these loops do not bring themselves. */
typedef struct { Words *slots; size_t capacity, head, length; } Ring;

static inline void ring_push(Ring *ring, Words words) {
  if (ring->length == ring->capacity) {
    size_t capacity = ring->capacity ? ring->capacity * 2 : 64;
    Words *slots = malloc(capacity * sizeof(Words));
    for (size_t i = 0; i < ring->length; i++) slots[i] = ring->slots[(ring->head + i) & (ring->capacity - 1)];
    free(ring->slots);
    ring->slots = slots, ring->capacity = capacity, ring->head = 0;
  }
  ring->slots[(ring->head + ring->length++) & (ring->capacity - 1)] = words;
}

static inline int ring_pop(Ring *ring, Words *words) {
  if (!ring->length) return 0;
  *words = ring->slots[ring->head];
  ring->head = (ring->head + 1) & (ring->capacity - 1), ring->length--;
  return 1;
}

/* The part of a queue between threads that is the same for all three: a mutex, and the whole queue taken at once. */
typedef struct { pthread_mutex_t lock; Ring arriving, taken; } Inbox;

static inline void inbox_push(Inbox *inbox, const Words *words) {
  pthread_mutex_lock(&inbox->lock);
  ring_push(&inbox->arriving, *words);
  pthread_mutex_unlock(&inbox->lock);
}

static inline void inbox_swap(Inbox *inbox) {
  pthread_mutex_lock(&inbox->lock);
  Ring full = inbox->arriving;
  inbox->arriving = inbox->taken, inbox->taken = full;
  pthread_mutex_unlock(&inbox->lock);
}

static inline uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec;
}

/* Echoes what is there; 0 at the end of the stream. A short read means that nothing is left. */
static inline int echo(int fd) {
  char buffer[4096];
  for (;;) {
    ssize_t length = read(fd, buffer, sizeof buffer);
    if (length > 0) {
      if (write(fd, buffer, length) != length) abort();
      if (length < (ssize_t)sizeof buffer) return 1;
      continue;
    }
    return length < 0 && errno == EAGAIN;
  }
}

/* The next connection, or -1. */
static inline int accept_one(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

#define CHECK(call) \
  do { \
    int result_ = (call); \
    if (result_ < 0) { \
      fprintf(stderr, "%s:%d: %s = %d, errno %d\n", __FILE__, __LINE__, #call, result_, errno); \
      abort(); \
    } \
  } while (0)
