/*
 * Assertions are for our own logic, stay on in release, and are never reachable from a file, a
 * wire or a user.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#ifdef NDEBUG
#error "assertions stay on in release: build without NDEBUG"
#endif

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))

_Noreturn void assert_failed(const char *file, int line, const char *condition);

#endif
