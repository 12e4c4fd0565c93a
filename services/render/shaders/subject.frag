// Colours the subject. Output: the square root of linear light, premultiplied by alpha.
#ifdef LIT_AT_VERTICES
noperspective in vec3 gain;
noperspective in vec3 reflected;
#else
in vec3 position;
in vec3 normal;
in float key_left; // share of the key light
#ifdef HAS_NORMAL_TEXTURE
in vec3 lost; // of the surroundings, irradiance / pi
in float mirror_left;
#else
in vec3 surroundings; // irradiance / pi
in vec3 mirrored;     // radiance
#endif
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
#ifdef HAS_GLOW
uniform vec3 emissive_factor;
#endif
uniform float alpha_cutoff;
#ifdef HAS_BASE_TEXTURE
noperspective in float level;
uniform sampler2D base_texture; // square roots of linear light
#endif
#ifdef HAS_SURFACE_TEXTURE
uniform sampler2D surface_texture;
#endif
#ifdef HAS_EMISSIVE_TEXTURE
uniform sampler2D emissive_texture; // square roots of linear light
#endif
#ifdef HAS_NORMAL_TEXTURE
uniform sampler2D normal_texture;
uniform float normal_scale;
#endif

out vec4 fragment;

const float SHOULDER = 0.85; // the curve is the identity up to here: colours stay true; highlights roll off above

// The identity up to SHOULDER, then SHOULDER + over / (1 + over / (1 - SHOULDER)), which nears 1 smoothly, in the fewest
// operations; encoded by a square root (see services/render/samples.py).
vec3 film(vec3 linear) {
    const float ROOM = 1.0 - SHOULDER;
    return sqrt(min(linear, 1.0 - ROOM * ROOM / (max(linear, SHOULDER) + (ROOM - SHOULDER))));
}

#ifdef HAS_NORMAL_TEXTURE
// The normal that the map asks for. Its axes are the surface's gradients of u and v, from derivatives on the screen
// (Mikkelsen, "Bump Mapping Unparametrized Surfaces on the GPU", 2010): the file needs no tangents, and mirrored charts
// come out right. glTF's map has +y up the picture, against v.
vec3 bent(vec3 n) {
    vec3 dx = dFdx(position), dy = dFdy(position);
    vec2 ux = dFdx(uv), uy = dFdy(uv);
    vec3 across = cross(dy, n), along = cross(n, dx);
    vec3 u = across * ux.x + along * uy.x, v = across * ux.y + along * uy.y;
    float size = max(dot(u, u), dot(v, v));
    vec3 map = texture(normal_texture, uv).xyz * 2.0 - 1.0;
    map.xy *= normal_scale * sign(dot(dx, across)) * inversesqrt(max(size, 1e-30));
    return normalize(map.x * u - map.y * v + max(map.z, 0.05) * n);
}
#endif

void main() {
    vec4 base = base_factor;
#ifdef HAS_BASE_TEXTURE
    vec4 texel = textureLod(base_texture, uv, level);
    base *= vec4(texel.rgb * texel.rgb, texel.a);
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
#ifdef HAS_NORMAL_TEXTURE
    n = bent(n);
    vec3 surroundings, mirrored;
    surround(position, n, v, surroundings, mirrored);
    surroundings = max(surroundings - lost, LEAST_OPEN * surroundings);
    mirrored *= mirror_left;
#endif
    vec3 gain, reflected;
    light(n, v, mix(vec3(DIELECTRIC), base.rgb, metallic), metallic, roughness, surroundings, mirrored, key_left, gain, reflected);
    vec3 lit = base.rgb * (1.0 - metallic) * gain + reflected;
#endif

#ifdef HAS_GLOW
    vec3 glow = emissive_factor;
#ifdef HAS_EMISSIVE_TEXTURE
    vec3 root = texture(emissive_texture, uv).rgb;
    glow *= root * root;
#endif
    lit += glow;
#endif
    fragment = vec4(film(lit) * base.a, base.a);
}
