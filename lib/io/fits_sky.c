/* fits_sky.c - where pixels of one image lie in another, by the celestial coordinates of their
 * headers (Calabretta & Greisen 2002, doi:10.1051/0004-6361:20021327), as wcslib reads them. */
#include "io/fits_internal.h"

#include <stdio.h>
#include <string.h>
#include <wcsfix.h>
#include <wcshdr.h>

/* The cards as one text of 80 characters each. */
static sf_status join_cards(const sf_fits *fits, char **text)
{
    SF_TRY(sf_allocate(text, (fits->cards + 1) * SF_FITS_CARD + 1, 1));
    for (size_t i = 0; i < fits->cards; i++) {
        const size_t length = strlen(fits->card[i]);

        memset(*text + i * SF_FITS_CARD, ' ', SF_FITS_CARD);
        memcpy(*text + i * SF_FITS_CARD, fits->card[i],
               length < SF_FITS_CARD ? length : SF_FITS_CARD);
    }
    memset(*text + fits->cards * SF_FITS_CARD, ' ', SF_FITS_CARD);
    memcpy(*text + fits->cards * SF_FITS_CARD, "END", 3);
    return SF_OK;
}

/* What a header says, and which of its descriptions is used: the first one. */
typedef struct sky {
    struct wcsprm *all;
    int count;
    struct wcsprm *wcs; /* celestial; NULL: there is none */
} sky;

static void release(sky *s) { (void)wcsvfree(&s->count, &s->all); }

static sf_status read_sky(const sf_fits *fits, sky *s)
{
    int fixed[NWCSFIX], rejected = 0;
    char *text = NULL;
    sf_status status;

    memset(s, 0, sizeof *s);
    SF_GO(join_cards(fits, &text));
    if (wcspih(text, (int)fits->cards + 1, WCSHDR_all, 0, &rejected, &s->count, &s->all) != 0 ||
        s->count == 0)
        goto done;
    (void)wcsfix(7, NULL, s->all, fixed); /* what it cannot mend, wcsset refuses */
    if (wcsset(s->all) == 0 && s->all->lng >= 0 && s->all->lat >= 0) s->wcs = s->all;
done:
    sf_free(text);
    return status;
}

static bool same_system(const struct wcsprm *a, const struct wcsprm *b)
{
    return strcmp(a->lngtyp, b->lngtyp) == 0 && strcmp(a->radesys, b->radesys) == 0;
}

/* One pixel, counted from 1 on along every axis that the headers have. */
static bool locate(sky *from, sky *to, const double *pixel, double *found)
{
    enum { MOST = 9 };
    double in[MOST] = {0}, middle[MOST], world[MOST] = {0}, out[MOST], phi, theta;
    int bad[MOST];

    if (from->wcs->naxis > MOST || to->wcs->naxis > MOST) return false;
    for (int i = 0; i < from->wcs->naxis; i++) in[i] = i < 2 ? pixel[i] : from->wcs->crpix[i];
    if (wcsp2s(from->wcs, 1, from->wcs->naxis, in, middle, &phi, &theta, world, bad) != 0)
        return false;
    const double lng = world[from->wcs->lng], lat = world[from->wcs->lat];
    for (int i = 0; i < to->wcs->naxis; i++) world[i] = to->wcs->crval[i];
    world[to->wcs->lng] = lng;
    world[to->wcs->lat] = lat;
    if (wcss2p(to->wcs, 1, to->wcs->naxis, world, &phi, &theta, middle, out, bad) != 0)
        return false;
    found[0] = out[0];
    found[1] = out[1];
    return true;
}

static sf_status locate_all(sky *from, sky *to, size_t count, const double *pixels, double *found)
{
    if (from->wcs == NULL || to->wcs == NULL)
        return sf_fail(SF_ERR_FORMAT, "the header has no celestial coordinates that can be read");
    if (!same_system(from->wcs, to->wcs))
        return sf_fail(SF_ERR_FORMAT,
                       "the celestial coordinates are of two systems: %s %s and %s %s",
                       from->wcs->lngtyp, from->wcs->radesys, to->wcs->lngtyp, to->wcs->radesys);
    for (size_t i = 0; i < count; i++) {
        const double pixel[2] = {pixels[2 * i + 1] + 1.0, pixels[2 * i] + 1.0};
        double there[2];

        if (!locate(from, to, pixel, there))
            return sf_fail(SF_ERR_FORMAT,
                           "row %g, column %g is nowhere in the other image's coordinates",
                           pixels[2 * i], pixels[2 * i + 1]);
        found[2 * i] = there[1] - 1.0;
        found[2 * i + 1] = there[0] - 1.0;
    }
    return SF_OK;
}

sf_status sf_fits_locate(const sf_fits *from, const sf_fits *to, size_t count, const double *pixels,
                         double *found)
{
    sky a = {.count = 0}, b = {.count = 0};
    sf_status status;

    sf_cfitsio_lock(); /* numbers as in the C locale, and one reader of headers at a time */
    SF_GO(read_sky(from, &a));
    SF_GO(read_sky(to, &b));
    SF_GO(locate_all(&a, &b, count, pixels, found));
done:
    release(&a);
    release(&b);
    sf_cfitsio_unlock();
    return status;
}
