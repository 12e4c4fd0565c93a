// Light from all round as second-order spherical harmonics, less what the shadowed ground takes. In front of the vertex
// shader: they are smooth enough to be worked out there, a third of the cost of doing it per sample. In front of the
// fragment shader where a normal map bends what a vertex cannot know (HAS_NORMAL_TEXTURE).
uniform vec3 diffuse_sh[9];
uniform vec3 mirror_sh[9];
uniform float foot_occlusion;

const float FOOT_HEIGHT = 0.035; // of the subject's unit size: the shadowed ground darkens what is this near to it

#define POLYNOMIAL(sh, n) max(sh[0] + sh[1] * n.y + sh[2] * n.z + sh[3] * n.x + sh[4] * (n.x * n.y) + \
    sh[5] * (n.y * n.z) + sh[6] * (3.0 * n.z * n.z - 1.0) + sh[7] * (n.x * n.z) + sh[8] * (n.x * n.x - n.y * n.y), 0.0)

// position: world frame; n, v: unit vectors; surroundings: irradiance / pi; mirrored: radiance from where it reflects.
void surround(vec3 position, vec3 n, vec3 v, out vec3 surroundings, out vec3 mirrored) {
    float foot = exp(-max(position.y, 0.0) / FOOT_HEIGHT) * foot_occlusion;
    vec3 r = reflect(-v, n);
    surroundings = POLYNOMIAL(diffuse_sh, n) * (1.0 - foot * (0.6 - 0.4 * n.y));
    mirrored = POLYNOMIAL(mirror_sh, r) * (1.0 - foot);
}
