/* Little-endian numbers from foreign bytes. A read past the end gives 0 and is remembered. */
#include "dy_base.h"

#include <string.h>

const uint8_t *dy_read_bytes(struct dy_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->data + reader->at;
    reader->at += size;
    return bytes;
}

static uint64_t read_number(struct dy_reader *reader, size_t size)
{
    const uint8_t *bytes = dy_read_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t dy_read_u8(struct dy_reader *reader)
{
    return (uint8_t)read_number(reader, 1);
}

uint16_t dy_read_u16(struct dy_reader *reader)
{
    return (uint16_t)read_number(reader, 2);
}

uint32_t dy_read_u32(struct dy_reader *reader)
{
    return (uint32_t)read_number(reader, 4);
}

uint64_t dy_read_u64(struct dy_reader *reader)
{
    return read_number(reader, 8);
}

float dy_read_f32(struct dy_reader *reader)
{
    uint32_t bits = dy_read_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double dy_read_f64(struct dy_reader *reader)
{
    uint64_t bits = dy_read_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
