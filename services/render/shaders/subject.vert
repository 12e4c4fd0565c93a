// Places the subject in a window of the frame, and lights it where that is as good as lighting every sample.
in vec3 in_position;
in vec3 in_normal;
#ifdef HAS_UV
in vec2 in_uv;
out vec2 uv;
#endif
#ifdef HAS_COLOR
in vec4 in_color;
out vec4 color;
#endif

uniform mat4 clip_from_model;
uniform mat3 world_from_model; // a rotation: right for normals too
uniform vec3 eye;
uniform vec3 diffuse_sh[9];
uniform vec3 mirror_sh[9];
uniform float foot_occlusion;

#ifdef LIT_AT_VERTICES
uniform vec2 surface_factor; // metallic, which is 0 here, and roughness
#ifdef HAS_SURFACE_TEXTURE
uniform sampler2D surface_texture;
uniform float surface_level; // its level with texels about as large as triangles
#endif
out vec3 gain;
out vec3 reflected;
#else
out vec3 position; // world frame, metres
out vec3 normal;
// Second-order harmonics are smooth enough to be worked out at vertices: a third of the cost of doing it per sample.
out vec3 surroundings; // irradiance / pi
out vec3 mirrored;     // radiance from where the surface reflects
#endif

const float FOOT_HEIGHT = 0.035; // of the subject's unit size: the shadowed ground darkens what is this near to it

#define POLYNOMIAL(sh, n) max(sh[0] + sh[1] * n.y + sh[2] * n.z + sh[3] * n.x + sh[4] * (n.x * n.y) + \
    sh[5] * (n.y * n.z) + sh[6] * (3.0 * n.z * n.z - 1.0) + sh[7] * (n.x * n.z) + sh[8] * (n.x * n.x - n.y * n.y), 0.0)

void main() {
    gl_Position = clip_from_model * vec4(in_position, 1.0);
#ifdef LIT_AT_VERTICES
    vec3 position, normal, surroundings, mirrored;
#endif
    position = world_from_model * in_position;
    normal = normalize(world_from_model * in_normal);
    surroundings = POLYNOMIAL(diffuse_sh, normal);
    float foot = exp(-max(position.y, 0.0) / FOOT_HEIGHT) * foot_occlusion;
    surroundings *= 1.0 - foot * (0.6 - 0.4 * normal.y);
    vec3 v = normalize(eye - position);
    vec3 r = reflect(-v, normal);
    mirrored = POLYNOMIAL(mirror_sh, r) * (1.0 - foot);
#ifdef LIT_AT_VERTICES
    float roughness = surface_factor.y;
#ifdef HAS_SURFACE_TEXTURE
    roughness *= textureLod(surface_texture, in_uv, surface_level).g;
#endif
    light(normal, v, vec3(DIELECTRIC), 0.0, roughness, surroundings, mirrored, gain, reflected);
#endif
#ifdef HAS_UV
    uv = in_uv;
#endif
#ifdef HAS_COLOR
    color = in_color;
#endif
}
