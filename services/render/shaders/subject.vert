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
#ifdef HAS_HIDDEN
in vec3 in_hidden0; // light that the subject keeps from itself, nine harmonics
in vec3 in_hidden1;
in vec3 in_hidden2;
#endif
#ifdef HAS_BASE_TEXTURE
in float in_density; // texels a metre
noperspective out float level;     // of the texture's mip levels
uniform float sample_width; // metres at depth 1
#endif

uniform mat4 clip_from_model;
uniform mat3 world_from_model; // a rotation: right for normals too
uniform vec3 eye;

#ifdef LIT_AT_VERTICES
uniform vec2 surface_factor; // metallic, which is 0 here, and roughness
#ifdef HAS_SURFACE_TEXTURE
uniform sampler2D surface_texture;
uniform float surface_level; // its level with texels about as large as triangles
#endif
noperspective out vec3 gain;
noperspective out vec3 reflected;
#else
out vec3 position; // world frame, metres
out vec3 normal;
out float key_left; // share of the key light
#ifdef HAS_HIDDEN
uniform vec3 key_direction;
#endif
#ifdef HAS_NORMAL_TEXTURE
out vec3 lost;       // of the surroundings, irradiance / pi
out float mirror_left;
#else
out vec3 surroundings; // irradiance / pi
out vec3 mirrored;     // radiance from where the surface reflects
#endif
#endif

const float LEAST_FACING = 0.05;

void main() {
    gl_Position = clip_from_model * vec4(in_position, 1.0);
#ifdef LIT_AT_VERTICES
    vec3 position, normal, surroundings, mirrored;
    float key_left;
#endif
    position = world_from_model * in_position;
    normal = normalize(world_from_model * in_normal);
    vec3 v = normalize(eye - position);
#ifndef HAS_NORMAL_TEXTURE
    vec3 lost = vec3(0.0);
    float mirror_left = 1.0;
    surround(position, normal, v, surroundings, mirrored);
#endif
    key_left = 1.0;
#ifdef HAS_HIDDEN
    keep_from(in_hidden0, in_hidden1, in_hidden2, dot(normal, key_direction), lost, key_left, mirror_left);
#endif
#ifndef HAS_NORMAL_TEXTURE
    surroundings = max(surroundings - lost, LEAST_OPEN * surroundings);
    mirrored *= mirror_left;
#endif
#ifdef LIT_AT_VERTICES
    float roughness = surface_factor.y;
#ifdef HAS_SURFACE_TEXTURE
    roughness *= textureLod(surface_texture, in_uv, surface_level).g;
#endif
    light(normal, v, vec3(DIELECTRIC), 0.0, roughness, surroundings, mirrored, key_left, gain, reflected);
#endif
#ifdef HAS_UV
    uv = in_uv;
#endif
#ifdef HAS_COLOR
    color = in_color;
#endif
#ifdef HAS_BASE_TEXTURE
    // Texels across a sample, as a logarithm: what rasterisers work out from derivatives at every sample. A slanted
    // surface has more of them along the slant; the mean of the two directions keeps print sharp there, and the resolve
    // filter, four samples wide, takes the rest.
    float texels = in_density * sample_width * gl_Position.w;
    level = log2(max(texels * inversesqrt(max(abs(dot(normal, v)), LEAST_FACING)), 1e-3));
#endif
}
