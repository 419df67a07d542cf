// Reads many event streams at once and says how late the events come.
//
//   readers PORT STREAMS SECONDS   ->   "p99 MS", "events N" (of all streams), "least N", "gaps N"
//
// Every stream is read; of every sixteenth, each event's `at` (milliseconds) is compared with the
// clock on arrival. The first two seconds do not count.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LATE_MAX = 60000, LINE_MAX_BYTES = 4096 };

struct stream {
    int socket;
    int timed;
    long events;
    size_t held;
    char line[LINE_MAX_BYTES];
};

static long late[LATE_MAX + 1];
static long samples, gaps;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int connected(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    static const char request[] =
        "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    if (write(descriptor, request, sizeof request - 1) < 0) die("write");
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

// A `data:` line whose "at" is a time of day is compared with now.
static void take_line(struct stream *stream, int counts) {
    if (strncmp(stream->line, "event: gap", 10) == 0) gaps++;
    if (strncmp(stream->line, "data: ", 6) != 0) return;
    char *at = strstr(stream->line, "\"at\":\"");
    if (at == NULL) return;
    if (counts) stream->events++;
    if (!stream->timed || !counts) return;
    struct tm when = {0};
    int milliseconds = 0;
    if (sscanf(at + 6, "%d-%d-%dT%d:%d:%d.%d", &when.tm_year, &when.tm_mon, &when.tm_mday,
               &when.tm_hour, &when.tm_min, &when.tm_sec, &milliseconds) != 7) return;
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    double then = (double)timegm(&when) + milliseconds / 1e3;
    double by = (seconds(CLOCK_REALTIME) - then) * 1e3;
    late[by < 0 ? 0 : by > LATE_MAX ? LATE_MAX : (int)by]++;
    samples++;
}

static void take(struct stream *stream, const char *bytes, size_t count, int counts) {
    for (size_t index = 0; index < count; index++) {
        if (bytes[index] != '\n') {
            if (stream->held < LINE_MAX_BYTES - 1) stream->line[stream->held++] = bytes[index];
            continue;
        }
        stream->line[stream->held] = 0;
        stream->held = 0;
        take_line(stream, counts);
    }
}

// Streams that are not timed only have their data lines counted: cheap, so that the reader keeps up.
static void count_events(struct stream *stream, const char *bytes, size_t count, int counts) {
    const char *end = bytes + count;
    for (const char *at = bytes; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL) return;
        if (counts && end - at > 2 && at[1] == 'd' && at[2] == 'a') stream->events++;
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int port = atoi(argv[1]), streams = atoi(argv[2]), length = atoi(argv[3]);
    struct stream *all = calloc((size_t)streams, sizeof *all);
    int poller = epoll_create1(0);
    for (int index = 0; index < streams; index++) {
        all[index].socket = connected(port);
        all[index].timed = index % 16 == 0;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
        epoll_ctl(poller, EPOLL_CTL_ADD, all[index].socket, &event);
    }
    static char buffer[1 << 18];
    double began = seconds(CLOCK_MONOTONIC);
    for (double now = began; now < began + 2 + length; now = seconds(CLOCK_MONOTONIC)) {
        struct epoll_event ready[256];
        int count = epoll_wait(poller, ready, 256, 100);
        for (int index = 0; index < count; index++) {
            struct stream *stream = ready[index].data.ptr;
            ssize_t size = read(stream->socket, buffer, sizeof buffer);
            if (size == 0 || (size < 0 && errno != EAGAIN)) die("a stream ended");
            if (size < 0) continue;
            int counts = now > began + 2;
            if (stream->timed) take(stream, buffer, (size_t)size, counts);
            else count_events(stream, buffer, (size_t)size, counts);
        }
    }
    long events = 0, least = all[0].events, seen = 0;
    for (int index = 0; index < streams; index++) {
        events += all[index].events;
        if (all[index].events < least) least = all[index].events;
    }
    int p99 = 0;
    while (p99 < LATE_MAX && (seen += late[p99]) < samples * 99 / 100) p99++;
    printf("p99 %d\nevents %.0f\nleast %.0f\ngaps %ld\n", p99, (double)events / length,
           (double)least / length, gaps);
    return 0;
}
