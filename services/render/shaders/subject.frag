// Metal-rough shading (glTF 2.0, appendix B) under spherical-harmonic surroundings and one key light.
// Output: the square root of linear light, premultiplied by alpha.
in vec3 position;
in vec3 normal;
in vec3 surroundings; // irradiance / pi
in vec3 mirrored;     // radiance
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
uniform float floor_reflection; // share of head-on reflections: 0 for a photo's texture, which holds them already
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
const float RIM = 0.25; // of the grazing reflection: all of it is a bright line around dark products, like a bad cut-out
const float SHOULDER = 0.85; // the curve is the identity up to here: colours stay true; highlights roll off above

// The identity up to SHOULDER, then a smooth roll-off towards 1; encoded by a square root (see services/render/shot.py).
vec3 film(vec3 linear) {
    vec3 over = max(linear - SHOULDER, 0.0);
    return sqrt(min(linear, SHOULDER) + over / (1.0 + over * (1.0 / (1.0 - SHOULDER))));
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

    // Surroundings: diffuse from irradiance; reflections, stronger at the rim, from harmonics of the same order, which are
    // as blurred as a satin surface shows them (rough Schlick: Lagarde, "Spherical Gaussian approximation ...", 2012).
    lit += scattered * surroundings;
    float rim = 1.0 - nv;
    float rim2 = rim * rim;
    vec3 head_on = f0 * (1.0 - (1.0 - floor_reflection) * (1.0 - metallic));
    vec3 reflected = head_on + (max(vec3(1.0 - roughness), f0) - f0) * (RIM * rim2 * rim2 * rim);
    lit += reflected * mirrored;

    vec3 glow = emissive_factor;
#ifdef HAS_EMISSIVE_TEXTURE
    glow *= texture(emissive_texture, uv).rgb;
#endif
    fragment = vec4(film(lit + glow) * base.a, base.a);
}
