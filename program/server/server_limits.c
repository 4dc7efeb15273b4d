/* Who may ask, and how often: addresses, buckets of tokens, the bearer token. */
#include "server_internal.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool server_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* ------------------------------------------------------------------ addresses */

static uint64_t number_of_six(const struct in6_addr *six)
{
    uint64_t number = 0;
    bool four = IN6_IS_ADDR_V4MAPPED(six);
    for (int i = four ? 12 : 0; i < (four ? 16 : 8); i++)
        number = number << 8 | six->s6_addr[i];
    return number;
}

/* The last address of "client, proxy": the one that our own proxy saw. */
static bool number_of_text(const char *list, uint64_t *number)
{
    const char *last = strrchr(list, ',');
    last = last ? last + 1 : list;
    last += strspn(last, " \t");
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, last, &four) == 1)
        *number = ntohl(four.s_addr);
    else if (inet_pton(AF_INET6, last, &six) == 1)
        *number = number_of_six(&six);
    else
        return false;
    return true;
}

uint64_t server_address_of(const struct server_request *request)
{
    uint64_t number = 0;
    const char *forwarded =
        request->server->options.forwarded
            ? MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "X-Forwarded-For")
            : NULL;
    if (forwarded && number_of_text(forwarded, &number))
        return number;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return 0;
    if (info->client_addr->sa_family == AF_INET6)
        return number_of_six(&((const struct sockaddr_in6 *)info->client_addr)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)info->client_addr)->sin_addr.s_addr);
}

/* ------------------------------------------------------------------ rate */

/* Buckets lie in a table of fixed size: two addresses of one slot push each other out, which only
 * ever lets somebody ask more. */
bool server_rate_take(struct server_rates *rates, uint64_t address, double rate, double burst,
                      double now)
{
    size_t slot = dy_hash64(&address, sizeof address, 0) % SERVER_RATE_SLOTS;
    if (rates->slots[slot].at == 0 || rates->slots[slot].address != address) {
        rates->slots[slot].address = address;
        rates->slots[slot].tokens = burst;
    } else {
        double tokens = rates->slots[slot].tokens + (now - rates->slots[slot].at) * rate;
        rates->slots[slot].tokens = tokens < burst ? tokens : burst;
    }
    rates->slots[slot].at = now;
    if (rates->slots[slot].tokens < 1)
        return false;
    rates->slots[slot].tokens -= 1;
    return true;
}

/* ------------------------------------------------------------------ token */

bool server_token_right(const char *token, const char *authorization)
{
    if (!authorization || strncasecmp(authorization, "Bearer ", 7))
        return false;
    const char *given = authorization + 7;
    size_t right_size = strlen(token), size = strlen(given);
    volatile unsigned difference = right_size != size;
    for (size_t i = 0; i < size; i++) /* as long as what was given, wherever it differs */
        difference |= (unsigned char)given[i] ^ (unsigned char)token[i % right_size];
    return difference == 0;
}
