/* forge/models: CLIP of every foreign layout becomes the file that tools/make_clip.py wrote in
 * ours, byte for byte of every tensor; what does not fit is refused and leaves nothing. */
#include "dy_foreign.h"
#include "dy_models.h"
#include "dy_test.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct dylumo_error err;
static char *home;  /* $XDG_DATA_HOME */
static char *inbox; /* copies of foreign files */
static struct dy_safetensors *ours;

static int begin(void **state)
{
    (void)state;
    home = test_folder_new();
    inbox = test_folder_new();
    setenv("XDG_DATA_HOME", home, 1);
    return dy_safetensors_open(&ours, test_data("clip/tiny.safetensors"), &err) != DYLUMO_OK;
}

static int end(void **state)
{
    (void)state;
    dy_safetensors_close(ours);
    test_folder_remove(home);
    test_folder_remove(inbox);
    return 0;
}

/* ------------------------------------------------------------------ helpers */

static void copy(const char *from, const char *name)
{
    uint8_t *data = NULL;
    size_t size = 0;
    char path[64];
    snprintf(path, sizeof path, "clip/%s", from);
    assert_ok(dy_read_file(&data, &size, test_data(path), 1 << 20, &err));
    test_write_file(test_path(inbox, name), data, size);
    dy_free(data);
}

static void empty_inbox(void)
{
    static const char *const names[] = {
        "model.safetensors", "pytorch_model.bin",     "open_clip_model.safetensors", "model.pt",
        "config.json",       "open_clip_config.json", "preprocessor_config.json",    "merges.txt",
        "vocab.json"};
    for (size_t i = 0; i < DY_COUNT(names); i++)
        (void)unlink(test_path(inbox, names[i]));
}

static void fill_transformers(void)
{
    empty_inbox();
    copy("transformers/model.safetensors", "model.safetensors");
    copy("transformers/config.json", "config.json");
    copy("transformers/preprocessor_config.json", "preprocessor_config.json");
    copy("transformers/merges.txt", "merges.txt");
    copy("transformers/vocab.json", "vocab.json");
}

static void fill_open_clip(void)
{
    empty_inbox();
    copy("open_clip/open_clip_model.safetensors", "open_clip_model.safetensors");
    copy("open_clip/open_clip_config.json", "open_clip_config.json");
    copy("transformers/merges.txt", "merges.txt");
}

static void fill_openai(void)
{
    empty_inbox();
    copy("openai.pt", "model.pt");
    copy("transformers/merges.txt", "merges.txt");
}

static enum dylumo_status add(const char *path, const char *precision, struct dy_model *model)
{
    const struct dy_models_add_settings settings = {"tiny", precision};
    return dy_models_add(model, path, &settings, NULL, &err);
}

static size_t files_at_home(void)
{
    size_t count = 0;
    DIR *dir = opendir(test_path(home, "dylumo"));
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static struct dy_safetensors *open_made(const struct dy_model *model)
{
    struct dy_safetensors *file = NULL;
    assert_ok(dy_safetensors_open(&file, model->path, &err));
    return file;
}

static void expect_label(const struct dy_safetensors *file, const char *key, const char *value)
{
    const char *found = dy_safetensors_metadata(file, key);
    assert_non_null(found);
    assert_string_equal(found, value);
}

/* Every tensor, and what does not depend on the source, as in tiny.safetensors. */
static void expect_ours(const struct dy_safetensors *file)
{
    static const char *const keys[] = {"dylumo.architecture", "dylumo.version", "dylumo.identity",
                                       "precision",           "image.size",     "image.patch",
                                       "image.layers",        "image.mean",     "image.std",
                                       "text.layers",         "text.context"};
    for (size_t i = 0; i < DY_COUNT(keys); i++)
        expect_label(file, keys[i], dy_safetensors_metadata(ours, keys[i]));
    assert_int_equal(dy_safetensors_count(file), dy_safetensors_count(ours));
    for (size_t i = 0; i < dy_safetensors_count(ours); i++) {
        const struct dy_tensor *a = dy_safetensors_at(ours, i), *b = dy_safetensors_at(file, i);
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(a->dims, b->dims);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
        assert_memory_equal(a->data, b->data, a->size);
    }
}

static void expect_source(const char *path, const char *source, const char *activation,
                          const char *heads)
{
    struct dy_model model;
    assert_ok(add(path, NULL, &model));
    assert_true(model.cosine > 0.99999);
    struct dy_safetensors *file = open_made(&model);
    expect_ours(file);
    expect_label(file, "source", source);
    expect_label(file, "activation", activation);
    expect_label(file, "image.heads", heads);
    dy_safetensors_close(file);
    assert_int_equal(files_at_home(), 1);
    assert_ok(dy_models_remove("tiny", &err));
    assert_int_equal(files_at_home(), 0);
}

/* ------------------------------------------------------------------ what is taken */

static void transformers_safetensors_are_taken(void **state)
{
    (void)state;
    fill_transformers();
    expect_source(inbox, "transformers", "quick_gelu", "3");
}

static void transformers_bin_is_taken(void **state)
{
    (void)state;
    fill_transformers();
    (void)unlink(test_path(inbox, "model.safetensors"));
    copy("transformers/pytorch_model.bin", "pytorch_model.bin");
    expect_source(inbox, "transformers", "quick_gelu", "3");
    expect_source(test_path(inbox, "pytorch_model.bin"), "transformers", "quick_gelu", "3");
}

static void open_clip_is_taken(void **state)
{
    (void)state;
    fill_open_clip();
    expect_source(inbox, "open_clip", "gelu", "3");
}

static void openai_is_taken(void **state)
{
    (void)state;
    fill_openai();
    expect_source(test_path(inbox, "model.pt"), "openai", "quick_gelu", "1");
}

static double number_of(const struct dy_safetensors *file, const char *name, size_t i)
{
    return (double)((const float *)dy_safetensors_find(file, name)->data)[i];
}

/* W' diag(1/s) of the norm and the matrix: their product must be what it was but for rounding. */
static void int8_keeps_the_products(void **state)
{
    (void)state;
    struct dy_model model;
    fill_transformers();
    assert_ok(add(inbox, "int8", &model));
    assert_true(model.cosine > 0.99 && model.cosine < 1);
    struct dy_safetensors *file = open_made(&model);
    const int8_t *up = dy_safetensors_find(file, "image.0.up.weight")->data;
    for (size_t row = 0; row < 96; row++)
        for (size_t i = 0; i < 24; i++) {
            double step = number_of(file, "image.0.up.scale", row);
            double gain = number_of(file, "image.0.norm2.weight", i);
            double product = up[row * 24 + i] * step * gain;
            double before = number_of(ours, "image.0.up.weight", row * 24 + i) *
                            number_of(ours, "image.0.norm2.weight", i);
            assert_true(up[row * 24 + i] >= -127);
            assert_true(fabs(product - before) <= 0.501 * step * fabs(gain));
        }
    const int8_t *down = dy_safetensors_find(file, "image.1.down.weight")->data;
    for (size_t i = 0; i < 24 * 96; i++) {
        double step = number_of(file, "image.1.down.scale", i / 96);
        double smooth = number_of(file, "image.1.down.smooth", i % 96);
        assert_true(fabs(down[i] * step * smooth - number_of(ours, "image.1.down.weight", i)) <=
                    0.501 * step * smooth);
    }
    dy_safetensors_close(file);
    assert_ok(dy_models_remove("tiny", &err));
}

static void bf16_rounds_to_nearest(void **state)
{
    (void)state;
    struct dy_model model;
    fill_transformers();
    assert_ok(add(inbox, "bf16", &model));
    assert_true(model.cosine > 0.9995 && model.cosine < 1);
    struct dy_safetensors *file = open_made(&model);
    const struct dy_tensor *tensor = dy_safetensors_find(file, "image.0.qkv.weight");
    assert_int_equal(tensor->dtype, DY_BF16);
    for (size_t i = 0; i < tensor->size / 2; i++) {
        uint32_t bits = (uint32_t)((const uint16_t *)tensor->data)[i] << 16;
        float rounded;
        memcpy(&rounded, &bits, sizeof bits);
        double before = number_of(ours, "image.0.qkv.weight", i);
        assert_true(fabs((double)rounded - before) <= fabs(before) / 256);
    }
    assert_int_equal(dy_safetensors_find(file, "image.positions")->dtype, DY_F32);
    expect_label(file, "dylumo.identity", dy_safetensors_metadata(ours, "dylumo.identity"));
    dy_safetensors_close(file);
    assert_ok(dy_models_remove("tiny", &err));
}

/* ------------------------------------------------------------------ what is refused */

/* Sets a key of a JSON file of the inbox, below the object named (NULL: the root). */
static void set_json(const char *name, const char *below, const char *key, json_t *value)
{
    json_t *root = json_load_file(test_path(inbox, name), 0, NULL);
    assert_non_null(root);
    json_t *object = below ? json_object_get(root, below) : root;
    assert_int_equal(json_object_set_new(object, key, value), 0);
    assert_int_equal(json_dump_file(root, test_path(inbox, name), 0), 0);
    json_decref(root);
}

static void expect_refused(enum dylumo_status status, const char *text)
{
    struct dy_model model;
    assert_fails(add(inbox, NULL, &model), status, text);
    assert_int_equal(files_at_home(), 0);
}

static void configs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    fill_transformers();
    set_json("config.json", "vision_config", "num_attention_heads", json_integer(5));
    expect_refused(DYLUMO_UNSUPPORTED, "'num_attention_heads' is not a number that divides");
    fill_transformers();
    set_json("config.json", "vision_config", "layer_norm_eps", json_real(1e-6));
    expect_refused(DYLUMO_UNSUPPORTED, "'layer_norm_eps' is not 1e-05");
    fill_transformers();
    set_json("config.json", "text_config", "hidden_act", json_string("relu"));
    expect_refused(DYLUMO_UNSUPPORTED, "'hidden_act' is not quick_gelu or gelu");
    fill_transformers();
    set_json("preprocessor_config.json", NULL, "crop_size", json_integer(17));
    expect_refused(DYLUMO_UNSUPPORTED, "'crop_size' is not the size");
    fill_transformers();
    set_json("preprocessor_config.json", NULL, "image_std", json_array());
    expect_refused(DYLUMO_UNSUPPORTED, "'image_std' is not three numbers");
    (void)unlink(test_path(inbox, "config.json"));
    expect_refused(DYLUMO_NOT_FOUND, "config.json is not beside it");
    fill_open_clip();
    set_json("open_clip_config.json", "model_cfg", "vision_cfg",
             json_pack("{s:i, s:b}", "width", 24, "attentional_pool", 1));
    expect_refused(DYLUMO_UNSUPPORTED, "'attentional_pool' is not a key that is understood");
    (void)unlink(test_path(inbox, "open_clip_config.json"));
    expect_refused(DYLUMO_NOT_FOUND, "open_clip_config.json is not beside it");
}

static void vocabularies_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    fill_transformers();
    set_json("vocab.json", NULL, "<|endoftext|>", json_integer(7));
    expect_refused(DYLUMO_BAD_FILE, "vocab.json: its numbers are not those");
    fill_transformers();
    test_write_file(test_path(inbox, "merges.txt"), "#version: 0.2\na b\n", 18);
    expect_refused(DYLUMO_BAD_FILE, "is not a list of 30 merges");
    (void)unlink(test_path(inbox, "merges.txt"));
    expect_refused(DYLUMO_NOT_FOUND, "merges.txt must lie beside it");
}

/* The transformers file with one tensor changed: left out, renamed, or of another shape; or, for no
 * name, with one more. */
static void rewrite(const char *name, const char *new_name, bool flat, enum dy_dtype dtype)
{
    struct dy_safetensors *file = NULL;
    struct dy_tensor tensors[128];
    size_t count = 0;
    fill_transformers();
    assert_ok(dy_safetensors_open(&file, test_path(inbox, "model.safetensors"), &err));
    for (size_t i = 0; i < dy_safetensors_count(file); i++) {
        struct dy_tensor *tensor = &tensors[count++];
        *tensor = *dy_safetensors_at(file, i);
        if (!name && !i) {
            tensors[count] = *tensor;
            tensors[count++].name = new_name;
        }
        if (!name || strcmp(tensor->name, name) != 0)
            continue;
        if (!new_name) {
            count--;
            continue;
        }
        tensor->name = new_name;
        tensor->dtype = dtype;
        if (flat) {
            tensor->shape[0] *= tensor->shape[1];
            tensor->dims = 1;
        }
    }
    assert_ok(dy_safetensors_write(test_path(inbox, "new"), tensors, count, NULL, &err));
    dy_safetensors_close(file);
    assert_int_equal(rename(test_path(inbox, "new"), test_path(inbox, "model.safetensors")), 0);
}

#define LAYER "vision_model.encoder.layers.1."

static void tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    rewrite(LAYER "mlp.fc2.bias", NULL, false, DY_F32);
    expect_refused(DYLUMO_BAD_FILE, "has no tensor '" LAYER "mlp.fc2.bias'");
    rewrite(LAYER "self_attn.k_proj.weight", LAYER "self_attn.k_proj.weight", true, DY_F32);
    expect_refused(DYLUMO_BAD_FILE, "has shape [576], expected [24, 24]");
    rewrite(LAYER "self_attn.k_proj.weight", LAYER "self_attn.k_proj.weight", false, DY_I32);
    expect_refused(DYLUMO_BAD_FILE, "is I32, expected F32, F16, BF16 or F64");
    rewrite("logit_scale", "logit_scales", false, DY_F32);
    expect_refused(DYLUMO_BAD_FILE, "has no tensor 'logit_scale'");
    rewrite(LAYER "layer_norm1.weight", LAYER "layer_norm9.weight", false, DY_F32);
    expect_refused(DYLUMO_UNSUPPORTED, "'num_hidden_layers' is not 1, as the tensors have it");
    rewrite(NULL, "surprise", false, DY_F32);
    expect_refused(DYLUMO_BAD_FILE, "transformers does not have: 'surprise'");
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct dy_model model;
    struct dy_models_add_settings settings = {"../tiny", NULL};
    empty_inbox();
    expect_refused(DYLUMO_NOT_FOUND, "none of model.safetensors");
    assert_fails(dy_models_add(&model, test_data("tiny-mood.safetensors"), &settings, NULL, &err),
                 DYLUMO_UNSUPPORTED, "only CLIP's");
    fill_transformers();
    assert_fails(dy_models_add(&model, inbox, &settings, NULL, &err), DYLUMO_BAD_ARGUMENT,
                 "cannot be a model's name");
    settings.name = "lite2";
    assert_fails(dy_models_add(&model, inbox, &settings, NULL, &err), DYLUMO_BAD_ARGUMENT,
                 "the model that ships");
    test_write_file(test_path(inbox, "model.safetensors"), "\0\0\0\0\1\0\0\0{}", 10);
    expect_refused(DYLUMO_BAD_FILE, "header would have 4294967296 bytes");
}

static void only_models_are_removed(void **state)
{
    (void)state;
    const char *note = test_path(home, "dylumo/note.safetensors");
    mkdir(test_path(home, "dylumo"), 0700);
    test_write_file(note, "mine", 4);
    assert_fails(dy_models_remove("note", &err), DYLUMO_BAD_FILE, "note.safetensors");
    assert_int_equal(access(note, F_OK), 0);
    assert_fails(dy_models_remove("../dylumo/note", &err), DYLUMO_BAD_ARGUMENT, "is no name");
    assert_fails(dy_models_remove("other", &err), DYLUMO_NOT_FOUND, "other.safetensors");
    (void)unlink(note);
}

static void the_list_has_what_was_added(void **state)
{
    (void)state;
    struct dy_model model;
    struct dy_model_list list;
    bool seen = false;
    fill_open_clip();
    assert_ok(dy_models_add(&model, inbox, &(struct dy_models_add_settings){0}, NULL, &err));
    assert_string_equal(model.name, "clip-vit-24-4-16");
    assert_ok(dy_models_list(&list, &err));
    for (size_t i = 0; i < list.count; i++)
        seen |= !strcmp(list.items[i].name, model.name) && list.items[i].text &&
                list.items[i].size_px == 16 && !list.items[i].ships;
    assert_true(seen);
    dy_model_list_clear(&list);
    assert_ok(dy_models_remove(model.name, &err));
}

static enum dylumo_status add_once(void *user)
{
    return add(inbox, "f32", user);
}

static void no_memory_is_survived(void **state)
{
    (void)state;
    struct dy_model model;
    fill_open_clip();
    test_every_allocation(add_once, &model);
    assert_int_equal(files_at_home(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transformers_safetensors_are_taken),
        cmocka_unit_test(transformers_bin_is_taken),
        cmocka_unit_test(open_clip_is_taken),
        cmocka_unit_test(openai_is_taken),
        cmocka_unit_test(int8_keeps_the_products),
        cmocka_unit_test(bf16_rounds_to_nearest),
        cmocka_unit_test(configs_that_do_not_fit_are_refused),
        cmocka_unit_test(vocabularies_that_do_not_fit_are_refused),
        cmocka_unit_test(tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(only_models_are_removed),
        cmocka_unit_test(the_list_has_what_was_added),
        cmocka_unit_test(no_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
