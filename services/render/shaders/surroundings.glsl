// Light from all round as second-order spherical harmonics, less what the shadowed ground takes. In front of the vertex
// shader: they are smooth enough to be worked out there, a third of the cost of doing it per sample. In front of the
// fragment shader where a normal map bends what a vertex cannot know (HAS_NORMAL_TEXTURE).
uniform vec3 diffuse_sh[9];
uniform vec3 mirror_sh[9];
uniform float foot_occlusion;

const float FOOT_HEIGHT = 0.035; // of the subject's unit size: the shadowed ground darkens what is this near to it

const float LEAST_OPEN = 0.12;   // share of the surroundings that reaches the deepest fold by bouncing

#define POLYNOMIAL(sh, n) max(sh[0] + sh[1] * n.y + sh[2] * n.z + sh[3] * n.x + sh[4] * (n.x * n.y) + \
    sh[5] * (n.y * n.z) + sh[6] * (3.0 * n.z * n.z - 1.0) + sh[7] * (n.x * n.z) + sh[8] * (n.x * n.x - n.y * n.y), 0.0)

// position: world frame; n, v: unit vectors; surroundings: irradiance / pi; mirrored: radiance from where it reflects.
void surround(vec3 position, vec3 n, vec3 v, out vec3 surroundings, out vec3 mirrored) {
    float foot = exp(-max(position.y, 0.0) / FOOT_HEIGHT) * foot_occlusion;
    vec3 r = reflect(-v, n);
    surroundings = POLYNOMIAL(diffuse_sh, n) * (1.0 - foot * (0.6 - 0.4 * n.y));
    mirrored = POLYNOMIAL(mirror_sh, r) * (1.0 - foot);
}

#ifdef HAS_HIDDEN
uniform vec3 light_sh[9]; // radiance from all round, turned into the subject's frame
uniform float key_sh[9];  // harmonics of the key light's direction, likewise

// What the subject hides of its own light: the part of the surroundings that is lost (to be subtracted from them), the
// share of the key light that is left, and the share of reflections. c: cosine between normal and key light.
void keep_from(vec3 first, vec3 second, vec3 third, float c, out vec3 lost, out float key_left, out float mirror_left) {
    float hidden[9] = float[9](first.x, first.y, first.z, second.x, second.y, second.z, third.x, third.y, third.z);
    lost = vec3(0.0);
    float behind = 0.0;
    for (int i = 0; i < 9; i++) {
        lost += light_sh[i] * hidden[i];
        behind += key_sh[i] * hidden[i];
    }
    // The cosine lobe as second-order harmonics show it: what of it is hidden goes by the same measure.
    float lobe = 0.25 + 0.5 * c + 0.15625 * (3.0 * c * c - 1.0);
    key_left = clamp(1.0 - behind * 3.14159 / max(lobe, 0.25), 0.0, 1.0);
    mirror_left = clamp(1.0 - 3.5449 * first.x, 0.0, 1.0);
}
#endif
