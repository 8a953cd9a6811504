// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl_writers GROUP: the channel between coordinator and writers, case by case.
 */
#define _GNU_SOURCE
#include "nl_case.h"

#define TELL(name) SHADOW_NL_TELL_##name
#define RESULT(name) SHADOW_NL_RESULT_##name
#define STATUS(name) SHADOW_NL_STATUS_##name

/* Told, heard and answered: 0, or what errno says it was not. */
static int through(int c, int w, uint8_t n, uint8_t session, uint32_t what)
{
	uint64_t cookie;
	int code = tell(c, n, session, what, 10000, &cookie);

	if (code)
		return code;
	code = heard(w, 5000, NULL) == what ? answer(w, cookie, STATUS(OK), NULL) : ENOMSG;
	if (code)
		return code;
	return result_of(c, 5000, NULL) == RESULT(ANSWERED) ? 0 : EPROTO;
}

/* --- arguments --------------------------------------------------------------------- */

/* What is wrong with it, and the errno. */
struct wrong {
	const char *what;
	int code;
	uint16_t without;	/* an attribute that is left out */
	uint16_t attr;		/* one that is replaced */
	uint32_t value;
};

static void expect(int code, int wanted, const char *what)
{
	result(code == wanted, "%s: %s", what, code ? strerrorname_np(code) : "success");
}

static int register_wrong(const struct wrong *wrong)
{
	static const struct {
		uint16_t attr;
		uint32_t value;
	} numbers[] = {
		{ SHADOW_NL_A_LEVEL, SHADOW_NL_LEVEL_FRONT_END },
		{ SHADOW_NL_A_TELLS, ALL_TELLS },
		{ SHADOW_NL_A_FREEZE_MS, 1000 },
	};
	int fd = open_socket(), code;
	struct message m;

	begin(&m, family, SHADOW_NL_CMD_WRITER_REGISTER, 0);
	if (wrong->without != SHADOW_NL_A_CLASS)
		add_id(&m, SHADOW_NL_A_CLASS, wrong->attr == SHADOW_NL_A_CLASS ? 0 : 1, 0);
	if (wrong->without != SHADOW_NL_A_INSTANCE)
		add_id(&m, SHADOW_NL_A_INSTANCE, wrong->attr == SHADOW_NL_A_INSTANCE ? 0 : 1, 0);
	if (wrong->without != SHADOW_NL_A_NAME)
		add_text(&m, SHADOW_NL_A_NAME, wrong->attr == SHADOW_NL_A_NAME ? "" : "name");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (wrong->without != numbers[i].attr)
			add_u32(&m, numbers[i].attr, wrong->attr == numbers[i].attr ?
				wrong->value : numbers[i].value);
	code = command(fd, &m, NULL);
	close_socket(fd);
	return code;
}

static void registration(void)
{
	static const struct wrong wrongs[] = {
		{ "a writer", 0, 0, 0, 0 },
		{ "without a class", EINVAL, SHADOW_NL_A_CLASS, 0, 0 },
		{ "without an instance", EINVAL, SHADOW_NL_A_INSTANCE, 0, 0 },
		{ "without a name", EINVAL, SHADOW_NL_A_NAME, 0, 0 },
		{ "without a level", EINVAL, SHADOW_NL_A_LEVEL, 0, 0 },
		{ "with nothing to be told", EINVAL, SHADOW_NL_A_TELLS, 0, 0 },
		{ "without a longest freeze: there is a default", 0, SHADOW_NL_A_FREEZE_MS, 0, 0 },
		{ "a class of zeros", EINVAL, 0, SHADOW_NL_A_CLASS, 0 },
		{ "an instance of zeros", EINVAL, 0, SHADOW_NL_A_INSTANCE, 0 },
		{ "an empty name", EINVAL, 0, SHADOW_NL_A_NAME, 0 },
		{ "level 0", ERANGE, 0, SHADOW_NL_A_LEVEL, 0 },
		{ "level 4", ERANGE, 0, SHADOW_NL_A_LEVEL, 4 },
		{ "no bit to be told", EINVAL, 0, SHADOW_NL_A_TELLS, 0 },
		{ "an unknown bit to be told", EINVAL, 0, SHADOW_NL_A_TELLS, ALL_TELLS | 1 << 14 },
		{ "back-off without continue", EINVAL, 0, SHADOW_NL_A_TELLS, BIT(BACK_OFF) },
		{ "continue without back-off", EINVAL, 0, SHADOW_NL_A_TELLS,
		  BIT(IDENTIFY) | BIT(CONTINUE) },
		{ "back-off and continue alone", 0, 0, SHADOW_NL_A_TELLS,
		  BIT(BACK_OFF) | BIT(CONTINUE) },
		{ "freeze without thaw", EINVAL, 0, SHADOW_NL_A_TELLS, BIT(FREEZE) | BIT(ABORT) },
		{ "freeze without abort", EINVAL, 0, SHADOW_NL_A_TELLS, BIT(FREEZE) | BIT(THAW) },
		{ "preparing without abort", EINVAL, 0, SHADOW_NL_A_TELLS,
		  BIT(PREPARE_SNAPSHOT) | BIT(THAW) },
		{ "identify alone", 0, 0, SHADOW_NL_A_TELLS, BIT(IDENTIFY) },
		{ "the longest freeze", 0, 0, SHADOW_NL_A_FREEZE_MS, SHADOW_NL_FREEZE_MAX_MS },
		{ "a longer one", EINVAL, 0, SHADOW_NL_A_FREEZE_MS, SHADOW_NL_FREEZE_MAX_MS + 1 },
	};
	char name[SHADOW_NL_NAME_MAX + 2];
	struct message m;
	int a, b;

	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		expect(register_wrong(&wrongs[i]), wrongs[i].code, wrongs[i].what);

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	a = open_socket();
	for (int shorter = 0; shorter < 2; shorter++) {
		begin(&m, family, SHADOW_NL_CMD_WRITER_REGISTER, 0);
		add_id(&m, SHADOW_NL_A_CLASS, 1, 1);
		add_id(&m, SHADOW_NL_A_INSTANCE, 1, 1);
		add_text(&m, SHADOW_NL_A_NAME, name + shorter);
		add_u32(&m, SHADOW_NL_A_LEVEL, 1);
		add_u32(&m, SHADOW_NL_A_TELLS, BIT(IDENTIFY));
		expect(command(a, &m, NULL), shorter ? 0 : EINVAL,
		       shorter ? "the longest name" : "a longer name");
	}
	begin(&m, family, SHADOW_NL_CMD_WRITER_UNREGISTER, 0);
	add_u32(&m, SHADOW_NL_A_PERCENT, 1);
	expect(command(a, &m, NULL), EINVAL, "an attribute that no command has");
	begin(&m, family, __SHADOW_NL_CMD_MAX, 0);
	expect(command(a, &m, NULL), EOPNOTSUPP, "a command that there is not");
	close_socket(a);

	a = writer(1, ALL_TELLS, 0);
	b = open_socket();
	expect(register_writer(a, 2, ALL_TELLS, 0), EALREADY, "a socket that is a writer");
	expect(register_writer(b, 1, ALL_TELLS, 0), EEXIST, "an instance that there is");
	expect(try_coordinate(a), EALREADY, "a writer that would be the coordinator");
	begin(&m, family, SHADOW_NL_CMD_WRITER_UNREGISTER, 0);
	expect(command(a, &m, NULL), 0, "a writer goes");
	begin(&m, family, SHADOW_NL_CMD_WRITER_UNREGISTER, 0);
	expect(command(a, &m, NULL), ENOTCONN, "once only");
	expect(register_writer(b, 1, ALL_TELLS, 0), 0, "another one has its instance");
	close_socket(a);
	close_socket(b);
}

/* How many writers a dump has, or minus an errno. */
static int dump(int fd, struct message *last)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static char buffer[65536];
	struct message m;
	int n = 0;

	begin(&m, family, SHADOW_NL_CMD_WRITER_GET, NLM_F_DUMP);
	if (sendto(fd, &m, m.nl.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		err(2, "sendto");
	for (;;) {
		ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *nl = (struct nlmsghdr *)buffer;

		if (size < 0)
			err(2, "recv");
		for (; NLMSG_OK(nl, size); nl = NLMSG_NEXT(nl, size)) {
			if (nl->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(nl))->error;
			if (nl->nlmsg_type == NLMSG_DONE) {
				int code = *(int *)NLMSG_DATA(nl);

				return code ?: n;
			}
			n++;
			if (last)
				memcpy(last, nl, nl->nlmsg_len);
		}
	}
}

static void as_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		err(2, "setuid");
}

/* What a child that is nobody finds: exits with the number of its failures. */
static void nobody(void)
{
	int fds[SHADOW_NL_MAX_USER_WRITERS], extra, c, status;
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		struct message m;

		failures = 0;
		as_nobody();
		c = open_socket();
		expect(try_coordinate(c), EPERM, "nobody would be the coordinator");
		expect(-dump(c, NULL), EPERM, "nobody asks who writes");
		expect(tell(c, 1, 1, TELL(THAW), 0, NULL), ENOTCONN, "nobody tells a writer");
		expect(end_session(c, 1), ENOTCONN, "nobody ends a session");
		expect(answer(c, 1, 0, NULL), ENOTCONN, "who is no writer answers");
		begin(&m, family, SHADOW_NL_CMD_WRITER_EXTEND, 0);
		add_u64(&m, SHADOW_NL_A_COOKIE, 1);
		add_u32(&m, SHADOW_NL_A_ANSWER_MS, 1000);
		expect(command(c, &m, NULL), ENOTCONN, "who is no writer wants more time");
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			fds[i] = writer(i + 1, ALL_TELLS, 0);
		result(true, "%zu writers of one user", ARRAY_SIZE(fds));
		extra = open_socket();
		expect(register_writer(extra, 200, ALL_TELLS, 0), EUSERS, "and one more");
		close_socket(fds[0]);
		expect(register_writer(extra, 200, ALL_TELLS, 0), 0, "when one has gone");
		exit(failures);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(2, "waitpid");
	failures += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void listing(void)
{
	int fds[300], reader = open_socket();
	struct message m = { 0 };

	result(dump(reader, NULL) == 0, "nobody is there");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = open_socket();
		begin(&m, family, SHADOW_NL_CMD_WRITER_REGISTER, 0);
		add_id(&m, SHADOW_NL_A_CLASS, 1, i / 200);
		add_id(&m, SHADOW_NL_A_INSTANCE, 1 + i / 200, i % 200);
		add_text(&m, SHADOW_NL_A_NAME, "many");
		add_text(&m, SHADOW_NL_A_INSTANCE_NAME, "one of many");
		add_u32(&m, SHADOW_NL_A_LEVEL, SHADOW_NL_LEVEL_SYSTEM);
		add_u32(&m, SHADOW_NL_A_TELLS, BIT(IDENTIFY));
		if (command(fds[i], &m, NULL))
			errx(2, "writer %zu", i);
	}
	result(dump(reader, &m) == ARRAY_SIZE(fds), "%zu writers are listed", ARRAY_SIZE(fds));
	result(!strcmp(text_of(&m, SHADOW_NL_A_NAME), "many") &&
	       !strcmp(text_of(&m, SHADOW_NL_A_INSTANCE_NAME), "one of many") &&
	       u32_of(&m, SHADOW_NL_A_LEVEL) == SHADOW_NL_LEVEL_SYSTEM &&
	       u32_of(&m, SHADOW_NL_A_TELLS) == BIT(IDENTIFY) &&
	       u32_of(&m, SHADOW_NL_A_FREEZE_MS) == SHADOW_NL_FREEZE_DEFAULT_MS &&
	       u32_of(&m, SHADOW_NL_A_UID) == 0 &&
	       u32_of(&m, SHADOW_NL_A_PID) == (uint32_t)getpid(),
	       "with name, level, what they are told, longest freeze, user and process");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close_socket(fds[i]);
	result(dump(reader, NULL) == 0, "and gone with their sockets");
}

/* --- telling ---------------------------------------------------------------------------- */

static void telling(void)
{
	int c = coordinator(), w = writer(1, ALL_TELLS, 5000), deaf;
	int other = writer(2, ALL_TELLS & ~BIT(PRE_RESTORE), 0), second = open_socket(), code = 0;
	uint64_t cookie, before;
	struct message m;
	int64_t start;

	expect(try_coordinate(second), EBUSY, "a second coordinator");
	expect(try_coordinate(c), EALREADY, "the same one again");
	expect(tell(c, 99, 1, TELL(IDENTIFY), 0, NULL), ESRCH, "a writer that there is not");
	expect(tell(c, 1, 1, 14, 0, NULL), ERANGE, "something that there is not to tell");
	expect(tell(c, 1, 1, TELL(BACK_OFF), 0, NULL), EINVAL, "what the module alone tells");
	expect(tell(c, 1, 1, TELL(CONTINUE), 0, NULL), EINVAL, "and its end");
	begin(&m, family, SHADOW_NL_CMD_WRITER_ANSWER, 0);
	expect(command(w, &m, NULL), EINVAL, "an answer to what has no cookie");
	expect(tell(c, 2, 1, TELL(PRE_RESTORE), 0, NULL), EOPNOTSUPP,
	       "something that the writer does not take");
	expect(tell(c, 1, 1, TELL(IDENTIFY), SHADOW_NL_ANSWER_MAX_MS + 1, NULL), EINVAL,
	       "more than a day for an answer");

	for (uint32_t what = TELL(IDENTIFY); what <= TELL(POST_RESTORE); what++) {
		code = through(c, w, 1, 7, what);
		if (code)
			break;
	}
	expect(code, 0, "everything there is to tell, told and answered");

	expect(tell(c, 1, 1, TELL(PREPARE_BACKUP), 5000, &cookie), 0, "told to prepare");
	result(heard(w, 5000, &m) == TELL(PREPARE_BACKUP) &&
	       u64_of(&m, SHADOW_NL_A_COOKIE) == cookie && id_of(&m, SHADOW_NL_A_SESSION) == 1 &&
	       id_of(&m, SHADOW_NL_A_SET) == 1 && u32_of(&m, SHADOW_NL_A_ANSWER_MS) == 5000,
	       "the writer hears it, with session, set, cookie and time");
	expect(tell(c, 1, 1, TELL(PREPARE_SNAPSHOT), 0, NULL), EBUSY,
	       "told more before it answers");
	expect(tell(c, 1, 2, TELL(IDENTIFY), 0, &before), 0, "told something in another session");
	result(heard(w, 5000, &m) == TELL(IDENTIFY) && id_of(&m, SHADOW_NL_A_SESSION) == 2,
	       "and heard");
	expect(answer(other, cookie, 0, NULL), ESTALE, "another writer answers for it");
	expect(answer(w, cookie + 1000, 0, NULL), ESTALE, "an answer to nothing");
	expect(answer(w, cookie, STATUS(RETRYABLE), "no luck"), 0, "it fails");
	result(result_of(c, 5000, &m) == RESULT(ANSWERED) &&
	       u32_of(&m, SHADOW_NL_A_STATUS) == STATUS(RETRYABLE) &&
	       !strcmp(text_of(&m, SHADOW_NL_A_TEXT), "no luck") &&
	       u64_of(&m, SHADOW_NL_A_COOKIE) == cookie && id_of(&m, SHADOW_NL_A_INSTANCE) == 1 &&
	       u32_of(&m, SHADOW_NL_A_TELL) == TELL(PREPARE_BACKUP) &&
	       u64_of(&m, SHADOW_NL_A_ELAPSED) < 1000000000ULL * 60,
	       "the coordinator hears status and words");
	expect(answer(w, cookie, 0, NULL), ESTALE, "it answers twice");
	expect(answer(w, before, 0, NULL), 0, "it answers in the other session");
	result(result_of(c, 5000, NULL) == RESULT(ANSWERED), "and the coordinator hears");
	expect(answer(w, before, 99, NULL), ERANGE, "a status that there is not");

	/* time */
	start = now_ms();
	expect(tell(c, 1, 1, TELL(PREPARE_SNAPSHOT), 300, &cookie), 0, "told, with 0.3 s");
	result(result_of(c, 5000, &m) == RESULT(TIMEOUT) && now_ms() - start >= 300,
	       "the coordinator hears that its time is over");
	expect(answer(w, cookie, 0, NULL), ESTALE, "it answers too late");
	start = now_ms();
	expect(tell(c, 1, 1, TELL(PREPARE_SNAPSHOT), 1500, &cookie), 0, "told, with 1.5 s");
	begin(&m, family, SHADOW_NL_CMD_WRITER_EXTEND, 0);
	add_u64(&m, SHADOW_NL_A_COOKIE, cookie);
	add_u32(&m, SHADOW_NL_A_ANSWER_MS, 3000);
	expect(command(w, &m, NULL), 0, "it wants 3 s");
	result(result_of(c, 10000, &m) == RESULT(TIMEOUT) && now_ms() - start >= 3000,
	       "and has them");

	/* aborting */
	expect(tell(c, 1, 1, TELL(PREPARE_SNAPSHOT), 0, &before), 0, "told, without a limit");
	expect(tell(c, 1, 1, TELL(ABORT), 5000, &cookie), 0, "and told to abort");
	result(result_of(c, 5000, &m) == RESULT(SUPERSEDED) &&
	       u64_of(&m, SHADOW_NL_A_COOKIE) == before, "the first is superseded");
	expect(answer(w, before, 0, NULL), ESTALE, "its answer is too late");
	expect(answer(w, cookie, 0, NULL), 0, "the abort is answered");
	result(result_of(c, 5000, NULL) == RESULT(ANSWERED), "and heard");
	expect(tell(c, 1, 1, TELL(ABORT), 0, &cookie), 0, "it can be aborted again");

	/* a writer that does not read */
	deaf = writer(3, ALL_TELLS, 0);
	for (int i = 0; i < 10000 && !code; i++) {
		code = tell(c, 3, 3, TELL(ABORT), 0, NULL);
		while (take_queued(c, &m))
			;
	}
	expect(code, ENOBUFS, "a writer that never reads");
	expect(end_session(c, 3), 0, "its session ends");
	close_socket(deaf);
	close_socket(c);
	expect(try_coordinate(second), 0, "when the coordinator goes there may be another");
	close_socket(second);
	close_socket(w);
	close_socket(other);
}

static void freezing(void)
{
	int c = coordinator(), w = writer(1, ALL_TELLS, 700), v = writer(2, ALL_TELLS, 60000);
	struct message m;
	int64_t start;

	expect(tell(c, 1, 1, TELL(THAW), 0, NULL), EBADFD, "thaw before freeze");
	expect(through(c, w, 1, 1, TELL(PREPARE_SNAPSHOT)), 0, "prepared");
	expect(through(c, v, 2, 1, TELL(FREEZE)), 0, "another one, for a minute: frozen");
	start = now_ms();
	expect(through(c, w, 1, 1, TELL(FREEZE)), 0, "frozen, for 0.7 s");
	expect(tell(c, 1, 1, TELL(FREEZE), 0, NULL), EALREADY, "frozen twice");
	expect(tell(c, 1, 1, TELL(POST_SNAPSHOT), 0, NULL), EBADFD,
	       "past the shadow before the thaw");
	result(heard(w, 10000, &m) == TELL(ABORT) && now_ms() - start >= 700 &&
	       u32_of(&m, SHADOW_NL_A_REASON) == SHADOW_REASON_TIMEOUT &&
	       id_of(&m, SHADOW_NL_A_SESSION) == 1, "told to abort when its time is over");
	result(receive(c, &m, 5000) && m.genl.cmd == SHADOW_NL_CMD_FREEZE_EXPIRED &&
	       id_of(&m, SHADOW_NL_A_INSTANCE) == 1 && id_of(&m, SHADOW_NL_A_SESSION) == 1,
	       "and the coordinator hears it");
	expect(tell(c, 1, 1, TELL(THAW), 0, NULL), ETIMEDOUT, "a thaw that is too late is refused");
	result(heard(v, 200, NULL) == 0, "the other one is still frozen");
	expect(through(c, v, 2, 1, TELL(THAW)), 0, "and thawed in time");
	expect(tell(c, 2, 1, TELL(THAW), 0, NULL), EBADFD, "once only");
	expect(through(c, v, 2, 1, TELL(FREEZE)), 0, "frozen again");
	expect(through(c, v, 2, 1, TELL(ABORT)), 0, "and told to abort");
	expect(tell(c, 2, 1, TELL(THAW), 0, NULL), EBADFD, "which ends the freeze");

	/* the answer's time and the freeze's are different things */
	expect(tell(c, 2, 1, TELL(FREEZE), 300, NULL), 0, "told to freeze, with 0.3 s to answer");
	result(heard(v, 5000, &m) == TELL(FREEZE) && u32_of(&m, SHADOW_NL_A_FREEZE_MS) == 60000,
	       "it hears how long it may last");
	result(result_of(c, 5000, &m) == RESULT(TIMEOUT), "it does not answer");
	expect(tell(c, 2, 1, TELL(THAW), 0, NULL), 0, "and is still to be thawed");
	result(heard(v, 5000, NULL) == TELL(THAW), "which it hears");

	expect(through(c, v, 2, 9, TELL(FREEZE)), 0, "frozen in another session");
	expect(end_session(c, 9), 0, "which ends");
	result(heard(v, 5000, NULL) == TELL(ABORT) && heard(v, 5000, NULL) == TELL(BACKUP_SHUTDOWN),
	       "with abort and shutdown");
	expect(through(c, v, 2, 10, TELL(FREEZE)), 0, "frozen in a third one");
	expect(tell(c, 2, 10, TELL(BACKUP_SHUTDOWN), 0, NULL), 0, "shut down without a thaw");
	result(heard(v, 5000, NULL) == TELL(ABORT) && heard(v, 5000, NULL) == TELL(BACKUP_SHUTDOWN),
	       "it hears abort before");
	close_socket(c);
	close_socket(w);
	close_socket(v);
}

/* --- deaths ------------------------------------------------------------------------------ */

/* Told everything of a backup up to @last. */
static void lead_to(int c, int w, uint8_t n, uint8_t session, uint32_t last)
{
	for (uint32_t what = TELL(PREPARE_BACKUP); what <= last; what++) {
		int code = through(c, w, n, session, what);

		if (code)
			errx(2, "tell %u: %s", what, strerrorname_np(code));
	}
}

static void coordinator_dies(void)
{
	static const struct {
		uint32_t last;
		const char *where;
		bool abort;
	} cases[] = {
		{ TELL(PREPARE_BACKUP), "prepared for a backup", true },
		{ TELL(PREPARE_SNAPSHOT), "prepared for a shadow", true },
		{ TELL(FREEZE), "frozen", true },
		{ TELL(THAW), "thawed", true },
		{ TELL(POST_SNAPSHOT), "past the shadow", false },
		{ TELL(BACKUP_COMPLETE), "with the backup complete", false },
	};
	uint32_t first;
	int c, w;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = coordinator();
		w = writer(1, ALL_TELLS, 60000);
		lead_to(c, w, 1, 1, cases[i].last);
		close_socket(c);
		first = heard(w, 5000, NULL);
		if (cases[i].abort)
			result(first == TELL(ABORT) &&
			       heard(w, 5000, NULL) == TELL(BACKUP_SHUTDOWN),
			       "the coordinator dies, the writer is %s: abort, shutdown",
			       cases[i].where);
		else
			result(first == TELL(BACKUP_SHUTDOWN),
			       "the coordinator dies, the writer is %s: shutdown", cases[i].where);
		result(heard(w, 100, NULL) == 0, "and no more");
		close_socket(w);
	}
	c = coordinator();
	w = writer(1, ALL_TELLS, 60000);
	if (through(c, w, 1, 1, TELL(IDENTIFY)))
		errx(2, "identify");
	close_socket(c);
	result(heard(w, 200, NULL) == 0, "who was only asked hears nothing");
	c = coordinator();
	if (through(c, w, 1, 1, TELL(PRE_RESTORE)))
		errx(2, "restore");
	close_socket(c);
	result(heard(w, 5000, NULL) == TELL(BACKUP_SHUTDOWN) && heard(w, 100, NULL) == 0,
	       "who makes room for a restore hears that it is over");
	c = coordinator();
	if (tell(c, 1, 1, TELL(FREEZE), 0, NULL))
		errx(2, "freeze");
	close_socket(c);
	result(heard(w, 5000, NULL) == TELL(FREEZE) && heard(w, 5000, NULL) == TELL(ABORT),
	       "the coordinator dies before the freeze is answered: abort");
	close_socket(w);
}

static void writer_dies(void)
{
	int c = coordinator(), w, status;
	struct message m;
	char byte;
	pid_t pid;
	int pipes[2];

	w = writer(1, ALL_TELLS, 0);
	if (tell(c, 1, 1, TELL(PREPARE_BACKUP), 0, NULL))
		errx(2, "tell");
	close_socket(w);
	result(result_of(c, 5000, &m) == RESULT(GONE) && id_of(&m, SHADOW_NL_A_INSTANCE) == 1,
	       "a writer closes its socket and owes an answer");
	expect(tell(c, 1, 1, TELL(ABORT), 0, NULL), ESRCH, "it is not there any more");

	if (pipe(pipes))
		err(2, "pipe");
	pid = fork();
	if (!pid) {
		w = writer(2, ALL_TELLS, 0);
		if (write(pipes[1], "", 1) != 1)
			err(2, "pipe");
		pause();
		_exit(0);
	}
	if (read(pipes[0], &byte, 1) != 1 || tell(c, 2, 1, TELL(FREEZE), 0, NULL))
		errx(2, "tell");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	result(result_of(c, 5000, &m) == RESULT(GONE), "a writer is killed and owes an answer");

	/* a child has the socket, too */
	w = writer(3, ALL_TELLS, 0);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	close_socket(w);
	expect(tell(c, 3, 1, TELL(IDENTIFY), 0, NULL), 0,
	       "a writer whose child has its socket lives");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	result(result_of(c, 5000, &m) == RESULT(GONE), "as long as the child");

	w = writer(4, ALL_TELLS, 0);
	if (tell(c, 4, 1, TELL(PREPARE_BACKUP), 0, NULL))
		errx(2, "tell");
	begin(&m, family, SHADOW_NL_CMD_WRITER_UNREGISTER, 0);
	expect(command(w, &m, NULL), 0, "a writer that owes an answer unregisters");
	result(result_of(c, 5000, &m) == RESULT(GONE), "and is gone");
	close_socket(w);
	close_socket(c);
}

/* A frozen writer and its coordinator, until the tests' end: what rmmod says is the script's. */
static void engaged(void)
{
	int c = coordinator(), w = writer(1, ALL_TELLS, 600000);

	lead_to(c, w, 1, 1, TELL(FREEZE));
	puts("ok told");
	fflush(stdout);
	pause();
}

/*
 * For a while: writers that come, answer, fail to answer and go, and coordinators that tell
 * them everything and die.  What they are told must stay in order: no freeze twice without an
 * end of the first, and never a thaw after the freeze's time.
 */
static void storm_writer(uint8_t n, int64_t end)
{
	srand(n);
	while (now_ms() < end) {
		uint32_t tells = rand() % 4 ? ALL_TELLS : ALL_TELLS & ~BIT(POST_SNAPSHOT);
		int64_t freeze_ms = 20 + rand() % 200, life = now_ms() + rand() % 3000;
		int fd = open_socket();
		bool frozen[256] = { false };
		struct message m;

		if (register_writer(fd, n, tells, freeze_ms)) {
			close_socket(fd);
			continue;
		}
		while (now_ms() < life) {
			uint32_t what = heard(fd, 50, &m);
			uint8_t session = id_of(&m, SHADOW_NL_A_SESSION);

			if (!what)
				continue;
			if (what == TELL(FREEZE)) {
				if (frozen[session])
					errx(1, "frozen twice");
				frozen[session] = true;
			} else if (what == TELL(THAW)) {
				if (!frozen[session])
					errx(1, "thawed without a freeze");
				frozen[session] = false;
			} else if (what == TELL(ABORT) || what == TELL(BACKUP_SHUTDOWN)) {
				frozen[session] = false;
			}
			if (rand() % 8)
				answer(fd, u64_of(&m, SHADOW_NL_A_COOKIE), rand() % 8, "storm");
		}
		close_socket(fd);
	}
	exit(0);
}

static void storm_coordinator(int64_t end)
{
	srand(1000 + getpid());
	while (now_ms() < end) {
		int64_t life = now_ms() + rand() % 2000;
		int fd = open_socket();
		struct message m;

		if (try_coordinate(fd)) {
			close_socket(fd);
			usleep(1000);
			continue;
		}
		while (now_ms() < life) {
			tell(fd, 1 + rand() % 6, rand() % 4 + 1, 1 + rand() % 11, rand() % 100,
			     NULL);
			if (rand() % 64 == 0)
				end_session(fd, rand() % 4 + 1);
			while (take_queued(fd, &m) || receive_raw(fd, &m, 0))
				;
		}
		close_socket(fd);
	}
	exit(0);
}

static void storm(void)
{
	int64_t end = now_ms() + 15000;
	pid_t pids[8];
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		if (i < 6)
			storm_writer(i + 1, end);
		else
			storm_coordinator(end);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		waitpid(pids[i], &status, 0);
		result(WIFEXITED(status) && !WEXITSTATUS(status), "%s %zu",
		       i < 6 ? "writer" : "coordinator", i);
	}
	result(dump(open_socket(), NULL) == 0, "nobody is left");
}

static const struct {
	const char *name;
	void (*fn)(void);
} groups[] = {
	{ "registration", registration },
	{ "nobody", nobody },
	{ "listing", listing },
	{ "telling", telling },
	{ "freezing", freezing },
	{ "coordinator-dies", coordinator_dies },
	{ "writer-dies", writer_dies },
	{ "engaged", engaged },
	{ "storm", storm },
};

int main(int argc, char **argv)
{
	const char *factor = getenv("SLOW");

	if (argc != 2)
		errx(2, "usage: nl_writers GROUP");
	if (factor)
		slow = atoi(factor) ?: 1;
	signal(SIGPIPE, SIG_IGN);
	find_family();
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(argv[1], groups[i].name)) {
			groups[i].fn();
			return failures ? 1 : 0;
		}
	errx(2, "no group %s", argv[1]);
}
