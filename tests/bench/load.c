/*
 * load: the load generator of `python -m tests.bench`. One thread, one epoll.
 *
 * It knows WebSocket framing but no bus: the texts to send are arguments, so that it drives the bus and the bare
 * yardstick alike. "GGGG" in a text becomes the number of the group. Each group has MEMBERS connections that join,
 * and one publisher that does not, which keeps WINDOW publishes in flight (a closed loop: it never outruns the server).
 *
 * A delivery is one marker in what a member receives: "@T", 16 hex digits (time of sending, ns), 8 hex digits (number
 * of the publish in its group, from 0). Looking for the marker instead of parsing frames keeps the cost of a delivery
 * near 50 ns, far below that of any server. A member must see the numbers 0, 1, 2 ... : anything else is counted as
 * misordered, and what is missing after the last publish was drained is counted as lost.
 *
 * It answers nothing (no pong, no close), so a run must be shorter than the server's patience with silent clients.
 * Output: one JSON object, read by generator.py, which lists the same fields. Exit codes: 0 done, 2 could not run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull
#define WARM_UP_NS (SECOND_NS / 2)    /* published before the measuring starts */
#define DRAIN_NS (3 * SECOND_NS)      /* longest wait for what is in flight at the end */
#define STALL_NS (5 * SECOND_NS)      /* nothing delivered for so long: give up */
#define SETTLE_US 300000              /* the server's own work after the joins, before memory is read */
#define ANSWER_TIMEOUT_S 10           /* for the handshake and for the answer to a join */

#define TIME_DIGITS 16
#define NUMBER_DIGITS 8
#define MARKER_BYTES (2 + TIME_DIGITS + NUMBER_DIGITS)
#define FRAME_HEAD_BYTES 8            /* longest head that we send: 2, extended length 2, mask 4 */
#define MAX_TEXT_BYTES 65535          /* a text fits the 16-bit length */
#define BURST 64                      /* most publishes of one group before others have their turn */
#define READ_BYTES (256 * 1024)
#define ANSWER_BYTES 16384            /* handshake, welcome and answer to the join together */
#define EVENTS 512
#define SUB_BUCKETS 64                /* per power of two: percentiles are right to 1.6 % */
#define BUCKETS (64 * SUB_BUCKETS)

static const char JOINED[] = "\"status\":\"ok\"";
static const char REFUSED[] = "\"status\":\"error\"";

struct options {
    const char *host;
    const char *join;     /* text that a member sends after its handshake */
    const char *publish;  /* text of a publish; holds one marker */
    int port;
    int pid;              /* the server's, for its CPU time and memory */
    int groups;
    int members;          /* per group */
    int window;           /* publishes in flight per group */
    int warm;             /* idle only: connections opened before memory is first read */
    double seconds;
    bool idle;            /* only connect and join: no publisher, memory alone is measured */
};

struct connection {
    int fd;
    int group;
    bool is_publisher;
    bool is_open;
    uint32_t next_number;        /* member: number of the publish that must come next */
    size_t carry_bytes;
    char carry[MARKER_BYTES];    /* member: the tail of the last read, perhaps half a marker */
};

struct group {
    char *text;                  /* the publish, with this group's number */
    size_t text_bytes;
    char *marker;                /* inside text */
    struct connection *publisher;
    uint64_t published;
    uint64_t delivered;
    uint8_t *out;                /* frames that the publisher could not write yet */
    size_t out_bytes;
    size_t out_done;
};

struct sample {
    uint64_t at_ns;
    uint64_t server_cpu_ns;
    uint64_t own_cpu_ns;
    uint64_t published;
    uint64_t delivered;
};

struct bench {
    struct options options;
    clockid_t server_clock;
    int epoll;
    struct group *groups;
    struct connection *connections;
    size_t n_connections;
    uint64_t published;
    uint64_t delivered;
    uint64_t misordered;
    uint64_t closed;
    uint64_t worst_ns;
    bool is_measuring;
    uint64_t histogram[BUCKETS]; /* latencies in ns, by bucket_of() */
    char buffer[MARKER_BYTES + READ_BYTES];
};

/* ---- errors, clocks and what the system knows of the server ---- */

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes);
    if (!memory)
        die("out of memory for %zu x %zu bytes", count, bytes);
    return memory;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        die("the server is gone, or its clock cannot be read: %s", strerror(errno));
    return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* The CPU clock of a process counts every thread in ns; /proc/PID/stat only in ticks of 10 ms. */
static clockid_t cpu_clock_of(int pid)
{
    clockid_t clock;
    int error = clock_getcpuclockid(pid, &clock);
    if (error)
        die("no CPU clock of process %d: %s", pid, strerror(error));
    return clock;
}

/* smaps_rollup walks the page tables; VmRSS of /proc/PID/status may lag behind by some hundred KB. */
static uint64_t resident_bytes(int pid)
{
    char path[64], line[256];
    unsigned long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        die("cannot read %s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %lu kB", &kilobytes) == 1)
            break;
    fclose(file);
    return kilobytes * 1024ull;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit: %s", strerror(errno));
}

/* ---- latencies: 64 linear buckets in each power of two ---- */

static size_t bucket_of(uint64_t ns)
{
    if (ns < SUB_BUCKETS)
        return ns;
    unsigned shift = 63 - 6 - (unsigned)__builtin_clzll(ns);
    return (shift + 1) * SUB_BUCKETS + ((ns >> shift) - SUB_BUCKETS);
}

static uint64_t lowest_of(size_t bucket)
{
    if (bucket < SUB_BUCKETS)
        return bucket;
    return (SUB_BUCKETS + bucket % SUB_BUCKETS) << (bucket / SUB_BUCKETS - 1);
}

static double percentile_us(const struct bench *bench, double part)
{
    uint64_t count = 0, seen = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        count += bench->histogram[i];
    for (size_t i = 0; count && i < BUCKETS; i++) {
        seen += bench->histogram[i];
        if ((double)seen >= part * (double)count)
            return (double)lowest_of(i) / 1e3;
    }
    return 0;
}

/* ---- texts and frames ---- */

static void put_hex(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

static uint64_t read_hex(const char *text, int digits)
{
    uint64_t value = 0;
    for (int i = 0; i < digits; i++) {
        char digit = text[i];
        value = value << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return value;
}

/* A copy of text in which every GGGG is the number of the group; the caller owns it. */
static char *text_for(const char *text, int group)
{
    char digits[16];
    char *copy = strdup(text);
    if (!copy)
        die("out of memory for a text");
    snprintf(digits, sizeof digits, "%04d", group);
    for (char *at = copy; (at = strstr(at, "GGGG")); at += 4)
        memcpy(at, digits, 4);
    return copy;
}

/* Any key will do, but not 0: a server must really unmask. */
static uint32_t mask_key(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Writes one masked text frame (RFC 6455 5.2) and returns its size. */
static size_t put_frame(uint8_t *out, const char *text, size_t bytes)
{
    uint8_t key[4];
    uint32_t random = mask_key();
    size_t head = 2;
    memcpy(key, &random, sizeof key);
    out[0] = 0x81;
    if (bytes < 126) {
        out[1] = (uint8_t)(0x80 | bytes);
    } else {
        out[1] = 0x80 | 126;
        out[2] = (uint8_t)(bytes >> 8);
        out[3] = (uint8_t)bytes;
        head = 4;
    }
    memcpy(out + head, key, sizeof key);
    head += sizeof key;
    for (size_t i = 0; i < bytes; i++)
        out[head + i] = (uint8_t)text[i] ^ key[i & 3];
    return head + bytes;
}

/* ---- one connection: connect, handshake, join; all blocking, the run has not begun ---- */

static int connect_to(const struct options *options)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    int on = 1;
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1)
        die("not an IPv4 address: %s", options->host);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
        die("setsockopt: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect to %s:%d: %s", options->host, options->port, strerror(errno));
    return fd;
}

static void send_all(int fd, const void *bytes, size_t length)
{
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        die("send: %s", strerror(errno));
}

/* Reads on into answer until it holds wanted. Bytes of frames may be 0, so this is no C string. */
static void read_until(int fd, char *answer, size_t *length, const char *wanted, const char *what)
{
    while (!memmem(answer, *length, wanted, strlen(wanted))) {
        if (memmem(answer, *length, REFUSED, strlen(REFUSED)))
            die("%s was refused: %.*s", what, (int)*length, answer);
        if (*length == ANSWER_BYTES)
            die("%s: no %s in %d bytes: %.*s", what, wanted, ANSWER_BYTES, (int)*length, answer);
        ssize_t got = recv(fd, answer + *length, ANSWER_BYTES - *length, 0);
        if (got <= 0)
            die("%s: %s; so far: %.*s", what, got ? strerror(errno) : "connection closed", (int)*length, answer);
        *length += (size_t)got;
    }
}

static void shake_hands(int fd, const struct options *options, char *answer, size_t *length)
{
    char request[512];
    int bytes = snprintf(request, sizeof request,
                         "GET / HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                         options->host, options->port);
    if (bytes < 0 || (size_t)bytes >= sizeof request)
        die("host name is too long");
    send_all(fd, request, (size_t)bytes);
    read_until(fd, answer, length, "\r\n\r\n", "the handshake");
    if (!memmem(answer, *length, " 101 ", 5))
        die("expected status 101, got: %.*s", (int)*length, answer);
}

static void join(int fd, const struct options *options, int group, char *answer, size_t *length)
{
    uint8_t frame[FRAME_HEAD_BYTES + 4096];
    char *text = text_for(options->join, group);
    send_all(fd, frame, put_frame(frame, text, strlen(text)));
    free(text);
    read_until(fd, answer, length, JOINED, "the join");
}

static void watch(struct bench *bench, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl: %s", strerror(errno));
    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static struct connection *open_connection(struct bench *bench, int group, bool is_publisher)
{
    char answer[ANSWER_BYTES];
    size_t length = 0;
    struct connection *connection = &bench->connections[bench->n_connections++];
    *connection = (struct connection){.group = group, .is_publisher = is_publisher, .is_open = true};
    connection->fd = connect_to(&bench->options);
    shake_hands(connection->fd, &bench->options, answer, &length);
    if (!is_publisher)
        join(connection->fd, &bench->options, group, answer, &length);
    watch(bench, connection);
    return connection;
}

/* ---- the groups ---- */

static void open_publisher(struct bench *bench, int number)
{
    struct group *group = &bench->groups[number];
    group->text = text_for(bench->options.publish, number);
    group->text_bytes = strlen(group->text);
    group->marker = strstr(group->text, "@T");
    if (!group->marker || strlen(group->marker) < MARKER_BYTES)
        die("--publish holds no marker: @T and %d digits", TIME_DIGITS + NUMBER_DIGITS);
    group->out = allocate(BURST, FRAME_HEAD_BYTES + group->text_bytes);
    group->publisher = open_connection(bench, number, true);
}

static void open_groups(struct bench *bench)
{
    for (int group = 0; group < bench->options.groups; group++) {
        for (int i = 0; i < bench->options.members; i++)
            open_connection(bench, group, false);
        if (!bench->options.idle)
            open_publisher(bench, group);
    }
}

/* ---- publishing ---- */

/* Writes what is waiting. Whatever the socket does not take stays for the next turn of the loop. */
static void flush(struct group *group)
{
    while (group->out_done < group->out_bytes) {
        ssize_t sent = send(group->publisher->fd, group->out + group->out_done, group->out_bytes - group->out_done,
                            MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (sent < 0)
            die("a publisher cannot send: %s", strerror(errno));
        group->out_done += (size_t)sent;
    }
    group->out_bytes = group->out_done = 0;
}

static uint64_t in_flight(const struct bench *bench, const struct group *group)
{
    return group->published - group->delivered / (uint64_t)bench->options.members;
}

static void publish_one(struct bench *bench, struct group *group)
{
    put_hex(group->marker + 2, now_ns(), TIME_DIGITS);
    put_hex(group->marker + 2 + TIME_DIGITS, group->published, NUMBER_DIGITS);
    group->out_bytes += put_frame(group->out + group->out_bytes, group->text, group->text_bytes);
    group->published++;
    bench->published++;
}

static void top_up(struct bench *bench, struct group *group)
{
    flush(group);
    if (group->out_bytes)
        return;
    for (int i = 0; i < BURST && in_flight(bench, group) < (uint64_t)bench->options.window; i++)
        publish_one(bench, group);
    flush(group);
}

/* ---- receiving ---- */

static void take_latency(struct bench *bench, uint64_t latency_ns)
{
    bench->histogram[bucket_of(latency_ns)]++;
    if (latency_ns > bench->worst_ns)
        bench->worst_ns = latency_ns;
}

static void take_delivery(struct bench *bench, struct connection *member, const char *marker, uint64_t now)
{
    uint64_t sent_at = read_hex(marker + 2, TIME_DIGITS);
    uint32_t number = (uint32_t)read_hex(marker + 2 + TIME_DIGITS, NUMBER_DIGITS);
    if (number != member->next_number)
        bench->misordered++;
    member->next_number = number + 1;
    bench->groups[member->group].delivered++;
    bench->delivered++;
    if (bench->is_measuring)
        take_latency(bench, now > sent_at ? now - sent_at : 0);
}

/* Takes every whole marker; an "@" too near to the end to tell is carried to the next read. */
static void scan(struct bench *bench, struct connection *member, const char *bytes, size_t length, uint64_t now)
{
    const char *end = bytes + length;
    const char *at = bytes;
    while ((at = memchr(at, '@', (size_t)(end - at))) && end - at >= MARKER_BYTES) {
        if (at[1] == 'T') {
            take_delivery(bench, member, at, now);
            at += MARKER_BYTES;
        } else {
            at++;
        }
    }
    member->carry_bytes = at ? (size_t)(end - at) : 0;
    if (member->carry_bytes)
        memcpy(member->carry, at, member->carry_bytes);
}

static void lose_connection(struct bench *bench, struct connection *connection)
{
    connection->is_open = false;
    bench->closed++;
    if (epoll_ctl(bench->epoll, EPOLL_CTL_DEL, connection->fd, NULL) != 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void receive(struct bench *bench, struct connection *connection)
{
    char *start = bench->buffer + MARKER_BYTES - connection->carry_bytes;
    memcpy(start, connection->carry, connection->carry_bytes);
    ssize_t got = recv(connection->fd, bench->buffer + MARKER_BYTES, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        lose_connection(bench, connection);
        return;
    }
    size_t length = connection->carry_bytes + (size_t)got;
    if (!connection->is_publisher)
        scan(bench, connection, start, length, now_ns());
    else if (memmem(start, length, REFUSED, strlen(REFUSED)))
        die("a publish was refused: %.*s", (int)length, start);
}

static void receive_ready(struct bench *bench)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(bench->epoll, events, EVENTS, 1);
    if (ready < 0 && errno != EINTR)
        die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < ready; i++)
        receive(bench, events[i].data.ptr);
}

/* ---- the run ---- */

static struct sample take_sample(const struct bench *bench)
{
    return (struct sample){
        .at_ns = now_ns(),
        .server_cpu_ns = clock_ns(bench->server_clock),
        .own_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
        .published = bench->published,
        .delivered = bench->delivered,
    };
}

static void publish_until(struct bench *bench, uint64_t deadline)
{
    uint64_t delivered = bench->delivered, moved_at = now_ns();
    for (uint64_t now = moved_at; now < deadline; now = now_ns()) {
        for (int group = 0; group < bench->options.groups; group++)
            top_up(bench, &bench->groups[group]);
        receive_ready(bench);
        if (bench->delivered != delivered) {
            delivered = bench->delivered;
            moved_at = now;
        } else if (now - moved_at > STALL_NS) {
            die("stalled: %" PRIu64 " published, %" PRIu64 " delivered, %" PRIu64 " connections closed",
                bench->published, bench->delivered, bench->closed);
        }
    }
}

/* Waits for what is in flight and returns the number of deliveries that never came. */
static uint64_t drain(struct bench *bench)
{
    uint64_t wanted = bench->published * (uint64_t)bench->options.members;
    uint64_t deadline = now_ns() + DRAIN_NS;
    while (bench->delivered < wanted && now_ns() < deadline) {
        for (int group = 0; group < bench->options.groups; group++)
            flush(&bench->groups[group]);
        receive_ready(bench);
    }
    return wanted > bench->delivered ? wanted - bench->delivered : 0;
}

static void run_load(struct bench *bench)
{
    open_groups(bench);
    usleep(SETTLE_US);
    publish_until(bench, now_ns() + WARM_UP_NS);
    struct sample first = take_sample(bench);
    bench->is_measuring = true;
    publish_until(bench, first.at_ns + (uint64_t)(bench->options.seconds * (double)SECOND_NS));
    struct sample last = take_sample(bench);
    bench->is_measuring = false;
    uint64_t lost = drain(bench);

    printf("{\"seconds\":%.6f,\"published\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"server_cpu_s\":%.6f,"
           "\"load_cpu_s\":%.6f,",
           (double)(last.at_ns - first.at_ns) / 1e9, last.published - first.published, last.delivered - first.delivered,
           (double)(last.server_cpu_ns - first.server_cpu_ns) / 1e9, (double)(last.own_cpu_ns - first.own_cpu_ns) / 1e9);
    printf("\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"worst_us\":%.2f,", percentile_us(bench, .5),
           percentile_us(bench, .99), percentile_us(bench, .999), (double)bench->worst_ns / 1e3);
    printf("\"lost\":%" PRIu64 ",\"misordered\":%" PRIu64 ",\"closed\":%" PRIu64 "}\n", lost, bench->misordered,
           bench->closed);
}

/* The first connections make the server load what it loads once; they are not counted. */
static void run_idle(struct bench *bench)
{
    for (int i = 0; i < bench->options.warm; i++)
        open_connection(bench, 0, false);
    usleep(SETTLE_US);
    uint64_t before = resident_bytes(bench->options.pid);
    uint64_t cpu_ns = clock_ns(bench->server_clock);
    open_groups(bench);
    usleep(SETTLE_US);
    uint64_t after = resident_bytes(bench->options.pid);
    printf("{\"connections\":%zu,\"rss_before\":%" PRIu64 ",\"rss_after\":%" PRIu64 ",\"server_cpu_s\":%.6f}\n",
           bench->n_connections - (size_t)bench->options.warm, before, after,
           (double)(clock_ns(bench->server_clock) - cpu_ns) / 1e9);
}

/* ---- arguments ---- */

static const struct option NAMES[] = {
    {"host", required_argument, NULL, 'h'},    {"port", required_argument, NULL, 'p'},
    {"pid", required_argument, NULL, 'i'},     {"groups", required_argument, NULL, 'g'},
    {"members", required_argument, NULL, 'm'}, {"window", required_argument, NULL, 'w'},
    {"seconds", required_argument, NULL, 's'}, {"join", required_argument, NULL, 'j'},
    {"publish", required_argument, NULL, 'b'}, {"warm", required_argument, NULL, 'a'},
    {"idle", no_argument, NULL, 'd'},          {NULL, 0, NULL, 0},
};

static void take_option(struct options *options, int name)
{
    switch (name) {
    case 'h': options->host = optarg; break;
    case 'p': options->port = atoi(optarg); break;
    case 'i': options->pid = atoi(optarg); break;
    case 'g': options->groups = atoi(optarg); break;
    case 'm': options->members = atoi(optarg); break;
    case 'w': options->window = atoi(optarg); break;
    case 's': options->seconds = atof(optarg); break;
    case 'j': options->join = optarg; break;
    case 'b': options->publish = optarg; break;
    case 'a': options->warm = atoi(optarg); break;
    case 'd': options->idle = true; break;
    default: die("unknown option");
    }
}

static void check(const struct options *options)
{
    if (options->port < 1 || options->port > 65535 || options->pid < 1)
        die("--port (1..65535) and --pid of the server are needed");
    if (options->groups < 1 || options->groups > 9999 || options->members < 1 || options->window < 1)
        die("--groups (1..9999), --members (1..) and --window (1..) are needed");
    if (options->warm < 0 || !(options->seconds > 0))
        die("--warm must not be negative, --seconds must be more than 0");
    if (!options->join || strlen(options->join) > 4096)
        die("--join is needed, at most 4096 bytes");
    if (!options->idle && (!options->publish || strlen(options->publish) > MAX_TEXT_BYTES))
        die("--publish is needed, at most %d bytes", MAX_TEXT_BYTES);
}

int main(int argc, char **argv)
{
    static struct bench bench; /* static: its buffers are too large for the stack */
    struct options *options = &bench.options;
    *options = (struct options){.host = "127.0.0.1", .window = 1, .seconds = 1};
    for (int name; (name = getopt_long(argc, argv, "", NAMES, NULL)) != -1;)
        take_option(options, name);
    check(options);
    raise_file_limit();
    bench.server_clock = cpu_clock_of(options->pid);
    bench.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bench.epoll < 0)
        die("epoll_create1: %s", strerror(errno));
    bench.groups = allocate((size_t)options->groups, sizeof *bench.groups);
    size_t most = (size_t)options->groups * ((size_t)options->members + 1) + (size_t)options->warm;
    bench.connections = allocate(most, sizeof *bench.connections);
    if (options->idle)
        run_idle(&bench);
    else
        run_load(&bench);
    return 0;
}
