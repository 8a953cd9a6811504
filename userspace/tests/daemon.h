/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.h - what tests of the coordinator share: clients, writers that the test plays, and
 * gates at which what runs in a thread waits.
 */
#ifndef SHADOWCOPY_TEST_DAEMON_H
#define SHADOWCOPY_TEST_DAEMON_H

#include "shadowd.h"
#include "test.h"

extern const char *socket_path;

/* Let the loop do so many things, and answer for the writers. */
void turn(unsigned int times);
/* The same, until something is so; not for ever. */
#define UNTIL(condition) do { \
	for (unsigned int i_ = 0; i_ < 4000 && !(condition); i_++) \
		turn(1); \
} while (0)
int connect_as(uid_t uid);
void send_call(int fd, const char *packet, int passed);
/* The answer, or NULL: it has hung up, or does not answer. */
json_t *hear(int fd);
/* The same, with the document that comes with it, as text to be freed, or NULL. */
json_t *hear_document(int fd, char **textp);
json_t *call(int fd, const char *packet);
/* The answer is freed. */
bool is_good(json_t *answer);
bool is_error(json_t *answer, const char *code);
/* A document as it is sent: sealed, in memory. */
int sealed_document(const char *text);
/* One with a component of a writer, of that user, that is not there any more. */
int saved_document(bool privileged, uint32_t uid, bool selected);

/* There is none to be had. */
extern bool no_threads;
/* The list of writers cannot be read: a negative errno. */
extern int channel_error;

/* --- writers that are registered --- */

struct shadowcopy_channel_writer *add_writer(unsigned char number, uid_t uid);
void forget_writers(void);

#define TELLS (SHADOW_NL_TELL_POST_RESTORE + 1)

/* How writers answer what they are told: with this status, or, if silent, only later. */
extern struct behaviour {
	uint32_t status;
	bool silent;
	const char *text;
} behaviours[TELLS];
extern unsigned int told[TELLS];	/* how often */

/* Answer for a writer that was silent. */
void answer_for(const char *session, unsigned char number, uint32_t tell);

/* --- gates --- */

enum gate { GATE_PLACE, GATE_LOAD, GATE_VIEW, GATE_SAVE, GATE_COUNT };

void gate_close(enum gate gate);
void gate_open(enum gate gate);
/* Wait until so many are at it, turning the loop; false: they do not come. */
bool gate_has(enum gate gate, unsigned int wanted);

void test_sessions(void);

#endif /* SHADOWCOPY_TEST_DAEMON_H */
