// Metal-rough shading (glTF 2.0, appendix B) under spherical-harmonic surroundings and one key light.
// Output: sRGB-encoded colour premultiplied by alpha.
in vec3 position;
in vec3 normal;
#ifdef HAS_UV
in vec2 uv;
#endif
#ifdef HAS_COLOR
in vec4 color;
#endif

uniform vec3 eye;
uniform vec4 base_factor;
uniform vec2 surface_factor; // metallic, roughness
uniform vec3 emissive_factor;
uniform float alpha_cutoff;
uniform float floor_reflection; // 1: a made surface; 0: a photo's texture, which holds its head-on reflections already
uniform vec3 diffuse_sh[9];     // irradiance / pi
uniform vec3 mirror_sh[9];      // radiance
uniform vec3 key_direction;
uniform vec3 key_radiance; // irradiance / pi
#ifdef HAS_BASE_TEXTURE
uniform sampler2D base_texture; // sRGB format: arrives linear
#endif
#ifdef HAS_SURFACE_TEXTURE
uniform sampler2D surface_texture;
#endif
#ifdef HAS_EMISSIVE_TEXTURE
uniform sampler2D emissive_texture;
#endif

out vec4 fragment;

const float PI = 3.14159265358979;
const float DIELECTRIC = 0.04;
const float SHOULDER = 0.85; // the curve is the identity up to here: colours stay true; highlights roll off above

vec3 polynomial(vec3 sh[9], vec3 n) {
    return sh[0] + sh[1] * n.y + sh[2] * n.z + sh[3] * n.x + sh[4] * (n.x * n.y) + sh[5] * (n.y * n.z) +
           sh[6] * (3.0 * n.z * n.z - 1.0) + sh[7] * (n.x * n.z) + sh[8] * (n.x * n.x - n.y * n.y);
}

// Split-sum environment BRDF without a table: Karis, "Physically Based Shading on Mobile" (2014).
vec2 environment_brdf(float roughness, float nv) {
    vec4 r = roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(r.x * r.x, exp2(-9.28 * nv)) * r.x + r.y;
    return vec2(-1.04, 1.04) * a + r.zw;
}

vec3 film(vec3 linear) {
    vec3 over = max(linear - SHOULDER, 0.0) / (1.0 - SHOULDER);
    vec3 shown = min(linear, SHOULDER) + (1.0 - SHOULDER) * (1.0 - exp(-over));
    return mix(1.055 * pow(max(shown, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055, 12.92 * shown,
               vec3(lessThanEqual(shown, vec3(0.0031308))));
}

void main() {
    vec4 base = base_factor;
#ifdef HAS_BASE_TEXTURE
    base *= texture(base_texture, uv);
#endif
#ifdef HAS_COLOR
    base *= color;
#endif
#ifdef ALPHA_MASK
    if (base.a < alpha_cutoff) discard;
    base.a = 1.0;
#endif
#ifdef ALPHA_OPAQUE
    base.a = 1.0;
#endif
    float metallic = surface_factor.x;
    float roughness = surface_factor.y;
#ifdef HAS_SURFACE_TEXTURE
    vec4 surface = texture(surface_texture, uv);
    metallic *= surface.b;
    roughness *= surface.g;
#endif
    roughness = clamp(roughness, 0.08, 1.0); // below, one key light gives sparkling pixels instead of a highlight

    vec3 v = normalize(eye - position);
    vec3 n = normalize(normal);
#ifdef TWO_SIDED
    if (dot(n, v) < 0.0 && !gl_FrontFacing) n = -n;
#endif
    vec3 h = normalize(key_direction + v);
    float nl = max(dot(n, key_direction), 0.0);
    float nv = clamp(dot(n, v), 0.02, 1.0);
    float nh = max(dot(n, h), 0.0);
    float vh = max(dot(v, h), 0.0);

    vec3 f0 = mix(vec3(DIELECTRIC), base.rgb, metallic);
    vec3 scattered = base.rgb * (1.0 - metallic);

    // Key light: GGX with Schlick's Fresnel and Smith's masking (k for point lights).
    float a2 = roughness * roughness * roughness * roughness;
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float k = (roughness + 1.0) * (roughness + 1.0) / 8.0;
    float masking = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k) * 4.0);
    float m = 1.0 - vh;
    float m2 = m * m;
    vec3 fresnel = f0 + (1.0 - f0) * (m2 * m2 * m);
    vec3 lit = nl * key_radiance * ((1.0 - fresnel) * (1.0 - DIELECTRIC) * scattered + fresnel * (a2 / (d * d) * masking));

    // Surroundings: diffuse from irradiance; reflections from the same harmonics, which are as blurred as a satin surface.
    lit += scattered * max(polynomial(diffuse_sh, n), 0.0);
    vec2 ab = environment_brdf(roughness, nv);
    vec2 head_on = environment_brdf(roughness, 1.0) * (1.0 - floor_reflection) * (1.0 - metallic);
    vec3 reflected = max(f0 * (ab.x - head_on.x) + (ab.y - head_on.y), 0.0);
    lit += reflected * max(polynomial(mirror_sh, reflect(-v, n)), 0.0);

    vec3 glow = emissive_factor;
#ifdef HAS_EMISSIVE_TEXTURE
    glow *= texture(emissive_texture, uv).rgb;
#endif
    fragment = vec4(film(lit + glow) * base.a, base.a);
}
