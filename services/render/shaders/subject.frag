// Colours the subject. Output: the square root of linear light, premultiplied by alpha.
#ifdef LIT_AT_VERTICES
in vec3 gain;
in vec3 reflected;
#else
in vec3 position;
in vec3 normal;
in vec3 surroundings; // irradiance / pi
in vec3 mirrored;     // radiance
#endif
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
#ifdef LIT_AT_VERTICES
    vec3 lit = base.rgb * gain + reflected;
#else
    float metallic = surface_factor.x;
    float roughness = surface_factor.y;
#ifdef HAS_SURFACE_TEXTURE
    vec4 surface = texture(surface_texture, uv);
    metallic *= surface.b;
    roughness *= surface.g;
#endif
    vec3 v = normalize(eye - position);
    vec3 n = normalize(normal);
#ifdef TWO_SIDED
    if (dot(n, v) < 0.0 && !gl_FrontFacing) n = -n;
#endif
    vec3 gain, reflected;
    light(n, v, mix(vec3(DIELECTRIC), base.rgb, metallic), metallic, roughness, surroundings, mirrored, gain, reflected);
    vec3 lit = base.rgb * (1.0 - metallic) * gain + reflected;
#endif

    vec3 glow = emissive_factor;
#ifdef HAS_EMISSIVE_TEXTURE
    glow *= texture(emissive_texture, uv).rgb;
#endif
    fragment = vec4(film(lit + glow) * base.a, base.a);
}
